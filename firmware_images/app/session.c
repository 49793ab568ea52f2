/* session.c - see session.h. */
#include "session.h"

#include "port.h"
#include "status.h"

enum { OS_ECHO = 0, OS_DATETIME = 4, OS_PARAMETERS = 6, OS_INFO = 7, OS_BOOTLOADER = 8 };
enum { IMAGE_STATE = 0, YIMA_STATE = 0, YIMA_RECORDS = 2, YIMA_ACKNOWLEDGE = 3, YIMA_SESSION = 4 };

session_state session;

/* What anybody at the wire may ask: it changes nothing and names no account. Whatever is not here needs a session. */
static int is_open(const smp_request *request) {
    const int reads = request->operation == SMP_READ;
    const uint8_t command = request->command;
    if (request->group == SMP_GROUP_OS) {
        return command == OS_ECHO || command == OS_PARAMETERS || command == OS_INFO || command == OS_BOOTLOADER ||
               (command == OS_DATETIME && reads);
    }
    if (request->group == SMP_GROUP_IMAGE) return command == IMAGE_STATE && reads;
    return request->group == SMP_GROUP_YIMA && (command == YIMA_SESSION || (command == YIMA_STATE && reads));
}

/* Riders' records are the centre's alone; a mechanic has no use for accounts. */
static int is_centres(const smp_request *request) {
    return request->group == SMP_GROUP_YIMA &&
           (request->command == YIMA_RECORDS || request->command == YIMA_ACKNOWLEDGE);
}

uint8_t session_role(void) {
    if (session.role != SESSION_NONE && port_ms() >= session.until_ms) session.role = SESSION_NONE;
    return session.role;
}

int session_allows(const smp_request *request) {
    if (is_open(request)) return 1;
    const uint8_t role = session_role();
    if (role == SESSION_CENTRE || (role == SESSION_MAINTENANCE && !is_centres(request))) return 1;
    session.refused++;
    status_begin("station");
    status_text("refused", role == SESSION_NONE ? "NEEDS_SESSION" : "NEEDS_CENTRE");
    status_number("group", request->group);
    status_number("command", request->command);
    status_end();
    return 0;
}
