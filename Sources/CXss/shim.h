#pragma once
#include <X11/Xatom.h>
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <X11/extensions/scrnsaver.h>
#include <X11/extensions/sync.h>

// What is a macro with a cast in these headers.
static const Atom millrace_x_class = XA_WM_CLASS;
// The server's counter of idle milliseconds; 0 when it has none.
static inline XSyncCounter millrace_idle_counter(Display *display, int *event_base) {
    int error_base, major = 3, minor = 0, count = 0;
    XSyncCounter found = 0;
    if (!XSyncQueryExtension(display, event_base, &error_base)) { return 0; }
    if (!XSyncInitialize(display, &major, &minor)) { return 0; }
    XSyncSystemCounter *counters = XSyncListSystemCounters(display, &count);
    for (int i = 0; counters && i < count; i++) {
        const char *name = counters[i].name, *wanted = "IDLETIME";
        while (*name && *name == *wanted) { name++, wanted++; }
        if (*name == *wanted) { found = counters[i].counter; }
    }
    if (counters) { XSyncFreeSystemCounterList(counters); }
    return found;
}
// An event whenever the counter falls from above `milliseconds` to it or below: somebody is back.
static inline XSyncAlarm millrace_idle_alarm(Display *display, XSyncCounter counter, int milliseconds) {
    XSyncAlarmAttributes wish = {0};
    wish.trigger.counter = counter;
    wish.trigger.value_type = XSyncAbsolute;
    wish.trigger.test_type = XSyncNegativeTransition;
    XSyncIntToValue(&wish.trigger.wait_value, milliseconds);
    XSyncIntToValue(&wish.delta, 0);
    wish.events = True;
    const unsigned long given =
        XSyncCACounter | XSyncCAValueType | XSyncCATestType | XSyncCAValue | XSyncCADelta | XSyncCAEvents;
    return XSyncCreateAlarm(display, given, &wish);
}
// Errors that the server reports of single requests, such as one about a window that has just been closed, are no
// reason to end.
static inline int millrace_ignore_x_error(Display *display, XErrorEvent *event) {
    (void)display;
    (void)event;
    return 0;
}
static inline void millrace_ignore_x_errors(void) { XSetErrorHandler(millrace_ignore_x_error); }
