/* status.h - the status line: one line of ASCII an event, "word key=value key=value", for staff and for tests.
 *
 * A line is sent whole or, if the line is congested, counted and dropped. Nothing secret and no account is ever said. */
#ifndef YIMA_STATUS_H
#define YIMA_STATUS_H
#include "port.h"

void status_begin(const char *event);
/* What is no visible ASCII is shown as question marks. */
void status_text(const char *key, const char *value);
void status_number(const char *key, int64_t value);
/* Eight digits. */
void status_hex(const char *key, uint32_t value);
void status_end(void);

/* A line without values, or with one. */
void status_say(const char *event);
void status_say_text(const char *event, const char *key, const char *value);
void status_say_number(const char *event, const char *key, int64_t value);

/* What went wrong on a line and was not told yet; told at most once a second, so that noise on one line does not fill
 * this one. */
typedef struct {
    port_line_errors untold;
    uint64_t told_ms;
} status_errors;

void status_tell_errors(status_errors *errors, const char *line, port_line_errors more, uint64_t now_ms);
#endif
