/* smp_session.c - SMP group 64, command 4: a session begins and ends.
 *
 * read:  {} -> {"challenge": 24 bytes, "terminal", "environment": 1 production, 2 test}
 * write: {"challenge", "role": 1 centre, 2 maintenance, "minutes": 1 to 240, "signature": SM2, 64 bytes} -> {"role",
 *        "minutes"}
 *        {"minutes": 0} -> {"role": 0, "minutes": 0}: the session ends; anybody may end it
 *
 * A challenge is this start's number, the number of the log's next entry, the millisecond counter, the real-time clock
 * and a count. Each start is an entry, so it does not come twice; it is fresh, and no secret. It is good for one answer,
 * right or wrong. Signed is: "yima station session 1", environment (1), role (1), minutes (2, big-endian), challenge (24),
 * terminal (what remains). */
#include "bytes.h"
#include "device.h"
#include "port.h"
#include "product.h"
#include "session.h"
#include "settings.h"
#include "sm2.h"
#include "status.h"

enum { ERROR_NO_KEY = 6, ERROR_OLD_CHALLENGE = 7, ERROR_SIGNATURE = 8, SIGNATURE = 64, MS_A_MINUTE = 60000 };

static const char DOMAIN[] = "yima station session 1";
enum { DOMAIN_SIZE = sizeof DOMAIN - 1, FIXED = DOMAIN_SIZE + 4 + SESSION_CHALLENGE };

static void put_big(uint8_t *to, uint64_t value, uint32_t size) {
    while (size-- > 0) {
        to[size] = (uint8_t)value;
        value >>= 8;
    }
}

static int challenge(smp_request *request) {
    put_big(session.challenge, device.loop.run, 4);
    put_big(session.challenge + 4, device.log.next, 4);
    put_big(session.challenge + 8, port_ms(), 8);
    put_big(session.challenge + 16, port_rtc(), 4);
    put_big(session.challenge + 20, ++session.asked, 4);
    session.waiting = 1;
    cbor_text(request->answer, "challenge");
    cbor_bytes(request->answer, session.challenge, SESSION_CHALLENGE);
    cbor_put_text(request->answer, "terminal", settings.terminal);
    cbor_put_number(request->answer, "environment", YIMA_ENVIRONMENT);
    return SMP_OK;
}

static int refuse(smp_request *request, const char *why, uint32_t code) {
    session.refused++;
    status_begin("session");
    status_text("refused", why);
    status_number("count", session.refused);
    status_end();
    return smp_refuse(request, code);
}

/* Whether one of the role's keys has signed; *has_key: whether there is any. */
static int is_signed(uint8_t role, uint32_t minutes, const uint8_t *signature, int *has_key) {
    uint8_t message[FIXED + SETTINGS_TEXT_MAX], digest[32];
    uint32_t name = 0;
    const yima_sm2_kernel *kernel = yima_sm2_best();
    yima_sm2_key key;
    while (settings.terminal[name]) name++;
    memcpy(message, DOMAIN, DOMAIN_SIZE);
    message[DOMAIN_SIZE] = YIMA_ENVIRONMENT;
    message[DOMAIN_SIZE + 1] = role;
    put_big(message + DOMAIN_SIZE + 2, minutes, 2);
    memcpy(message + DOMAIN_SIZE + 4, session.challenge, SESSION_CHALLENGE);
    memcpy(message + FIXED, settings.terminal, name);
    *has_key = 0;
    for (uint32_t i = 0; i < settings.station_key_count; i++) {
        const uint8_t *entry = settings.station_keys + i * SETTINGS_STATION_KEY;
        if (entry[0] != role || !kernel->parse_key(&key, entry + 1, SETTINGS_KEY)) continue;
        *has_key = 1;
        yima_sm2_digest(&key, message, FIXED + name, digest);
        if (kernel->verify(&key, digest, signature)) return 1;
    }
    return 0;
}

static int begin(smp_request *request, uint32_t minutes) {
    const uint8_t *given, *signature;
    uint32_t given_size, signature_size, role;
    int has_key;
    if (minutes > SESSION_MINUTES_MAX || !cbor_find_number(request->cbor, request->size, "role", &role) ||
        (role != SESSION_CENTRE && role != SESSION_MAINTENANCE) ||
        !cbor_find_bytes(request->cbor, request->size, "challenge", &given, &given_size) ||
        !cbor_find_bytes(request->cbor, request->size, "signature", &signature, &signature_size) ||
        signature_size != SIGNATURE) {
        return SMP_EINVAL;
    }
    const int fresh =
        session.waiting && given_size == SESSION_CHALLENGE && memcmp(given, session.challenge, SESSION_CHALLENGE) == 0;
    session.waiting = 0;
    if (!fresh) return refuse(request, "OLD_CHALLENGE", ERROR_OLD_CHALLENGE);
    if (!is_signed((uint8_t)role, minutes, signature, &has_key)) {
        return has_key ? refuse(request, "SIGNATURE", ERROR_SIGNATURE) : refuse(request, "NO_KEY", ERROR_NO_KEY);
    }
    session.role = (uint8_t)role;
    session.until_ms = port_ms() + (uint64_t)minutes * MS_A_MINUTE;
    return SMP_OK;
}

int session_command(smp_request *request) {
    uint32_t minutes;
    if (request->operation == SMP_READ) return challenge(request);
    if (!cbor_find_number(request->cbor, request->size, "minutes", &minutes)) return SMP_EINVAL;
    if (minutes == 0) {
        session.role = SESSION_NONE;
    } else {
        const int begun = begin(request, minutes);
        if (begun != SMP_OK) return begun;
    }
    status_begin("session");
    status_text("role", session.role == SESSION_CENTRE        ? "centre"
                        : session.role == SESSION_MAINTENANCE ? "maintenance"
                                                              : "none");
    status_number("minutes", minutes);
    status_end();
    cbor_put_number(request->answer, "role", session.role);
    cbor_put_number(request->answer, "minutes", minutes);
    return SMP_OK;
}
