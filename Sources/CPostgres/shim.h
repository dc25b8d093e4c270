#pragma once
#include <libpq-fe.h>

// PG_DIAG_SQLSTATE is a character macro, which Swift does not import. NULL: the server has not spoken.
static inline const char *millrace_pg_state(const PGresult *r) { return PQresultErrorField(r, PG_DIAG_SQLSTATE); }

// The default writes notices to the standard error.
static void millrace_pg_ignore(void *arg, const PGresult *r) {
    (void)arg;
    (void)r;
}
static inline void millrace_pg_no_notices(PGconn *c) { PQsetNoticeReceiver(c, millrace_pg_ignore, NULL); }
