#pragma once
#include <xcb/screensaver.h>
#include <xcb/sync.h>
#include <xcb/xcb.h>
#include <xcb/xcbext.h>

// The extensions are variables in these headers. Asking for one waits for ever unless its answer has come: so they are
// asked for first, and looked at after the answer to a later request.
static inline void millrace_xcb_ask_for_extensions(xcb_connection_t *connection) {
    xcb_prefetch_extension_data(connection, &xcb_screensaver_id);
    xcb_prefetch_extension_data(connection, &xcb_sync_id);
}
static inline int millrace_xcb_has_screen_saver(xcb_connection_t *connection) {
    const xcb_query_extension_reply_t *found = xcb_get_extension_data(connection, &xcb_screensaver_id);
    return found && found->present;
}
// The type of the event of an alarm; 0 when the server has no alarms.
static inline int millrace_xcb_alarm_event(xcb_connection_t *connection) {
    const xcb_query_extension_reply_t *found = xcb_get_extension_data(connection, &xcb_sync_id);
    return found && found->present ? found->first_event + XCB_SYNC_ALARM_NOTIFY : 0;
}
