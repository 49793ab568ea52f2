/* session.h - the authority of the station: which commands its line may give, and in whose name.
 *
 * What only tells how the device stands is open to anybody at the wire. Everything else is let in within a session, which
 * begins with a signature over a challenge of the device and ends with a reset, with its time, or with another session. */
#ifndef YIMA_SESSION_H
#define YIMA_SESSION_H
#include "smp.h"

enum {
    SESSION_NONE = 0,
    SESSION_CENTRE = 1,
    SESSION_MAINTENANCE = 2,
    SESSION_CHALLENGE = 24,
    SESSION_MINUTES_MAX = 240
};

typedef struct {
    uint64_t until_ms; /* of the millisecond counter */
    uint32_t asked;    /* challenges since the start */
    uint32_t refused;  /* commands and sessions since the start */
    uint8_t role;      /* SESSION_NONE: there is no session */
    uint8_t waiting;   /* the challenge has not been answered yet */
    uint8_t challenge[SESSION_CHALLENGE];
} session_state;

extern session_state session;

/* The role of the session that is open now. */
uint8_t session_role(void);

/* 1 if the command may be carried out; 0: it needs a session, and the status line says so. */
int session_allows(const smp_request *request);

/* Command 4 of group 64: read gives a challenge, write answers it or ends the session. */
int session_command(smp_request *request);
#endif
