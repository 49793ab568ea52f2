/* status.h - the status line: one line of ASCII an event, "word key=value key=value", for staff and for tests.
 *
 * A line is sent whole or, if the line is congested, counted and dropped. Nothing secret and no account is ever said. */
#ifndef YIMA_STATUS_H
#define YIMA_STATUS_H
#include <stdint.h>

void status_begin(const char *event);
void status_text(const char *key, const char *value);
void status_number(const char *key, int64_t value);
/* Eight digits. */
void status_hex(const char *key, uint32_t value);
void status_end(void);

/* A line without values, or with one. */
void status_say(const char *event);
void status_say_text(const char *event, const char *key, const char *value);
void status_say_number(const char *event, const char *key, int64_t value);
#endif
