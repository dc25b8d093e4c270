// A module for `app: wasm`: of the numbers that a work unit names, which takes the most steps of "halve when even, else
// triple and add one" down to 1? It keeps a checkpoint and tells its progress. Build: scripts/wasm-cc.sh collatz.c
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static uint64_t wanted(const char *name) {
    const char *text = getenv(name);
    char *end = NULL;
    const uint64_t value = text ? strtoull(text, &end, 10) : 0;
    if (!text || end == text || *end) {
        fprintf(stderr, "%s is no number: %s\n", name, text ? text : "not set");
        exit(65); // this work unit cannot be computed
    }
    return value;
}

// A file with one line; beside it first, then renamed, so that it is never half a file.
static void replace(const char *path, const char *line) {
    FILE *file = fopen("checkpoint/new", "w");
    if (!file || fputs(line, file) < 0 || fclose(file) != 0 || rename("checkpoint/new", path) != 0) {
        perror(path);
        exit(73);
    }
}

int main(void) {
    const uint64_t first = wanted("MILLRACE_FIRST"), end = first + wanted("MILLRACE_COUNT");
    uint64_t next = first, best = 0, most = 0;
    char line[128];
    mkdir("checkpoint", 0755);
    FILE *state = fopen("checkpoint/state", "r");
    if (state) {
        if (fscanf(state, "%" SCNu64 " %" SCNu64 " %" SCNu64, &next, &best, &most) != 3) { next = first; }
        fclose(state);
        fprintf(stderr, "going on at %" PRIu64 "\n", next);
    }
    for (; next < end; next++) {
        if (next % 100000 == 0) {
            snprintf(line, sizeof line, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", next, best, most);
            replace("checkpoint/state", line);
            snprintf(line, sizeof line, "%.4f\n", (double)(next - first) / (double)(end - first));
            replace("progress", line);
        }
        uint64_t steps = 0;
        for (uint64_t n = next; n > 1; steps++) { n = n % 2 ? 3 * n + 1 : n / 2; }
        if (steps > most) { best = next, most = steps; }
    }
    FILE *result = fopen("result.csv", "w");
    if (!result) { return 73; }
    fprintf(result, "first,end,number,steps\n%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", first, end, best, most);
    return fclose(result) ? 73 : 0;
}
