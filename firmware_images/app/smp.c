/* smp.c - see smp.h; the header is that of mcumgr's Simple Management Protocol. */
#include "smp.h"

#include "bytes.h"
#include "session.h"

enum { REFUSED = -1, OPERATION = 7, VERSION_SHIFT = 3, VERSION_MASK = 3 };

int smp_refuse(smp_request *request, uint32_t code) {
    cbor_out *answer = request->answer;
    answer->size = SMP_HEADER;
    answer->full = 0;
    cbor_map(answer);
    if (request->version == 0) {
        cbor_put_number(answer, "rc", code);
        return REFUSED;
    }
    cbor_text(answer, "err");
    cbor_map(answer);
    cbor_put_number(answer, "group", request->group);
    cbor_put_number(answer, "rc", code);
    cbor_end(answer);
    return REFUSED;
}

static smp_handler *handler_of(uint16_t group) {
    return group == SMP_GROUP_OS      ? smp_os
           : group == SMP_GROUP_IMAGE ? smp_image
           : group == SMP_GROUP_YIMA  ? smp_yima
                                      : NULL;
}

size_t smp_answer(const uint8_t *bytes, size_t size, uint8_t out[SMP_MAX]) {
    cbor_out answer = {.bytes = out, .capacity = SMP_MAX - 1, .size = SMP_HEADER}; /* the map's end always fits */
    if (size < SMP_HEADER || yima_be16(bytes + 2) != size - SMP_HEADER) return 0;
    smp_request request = {
        .operation = bytes[0] & OPERATION,
        .version = bytes[0] >> VERSION_SHIFT & VERSION_MASK,
        .group = (uint16_t)yima_be16(bytes + 4),
        .sequence = bytes[6],
        .command = bytes[7],
        .cbor = bytes + SMP_HEADER,
        .size = size - SMP_HEADER,
        .answer = &answer,
    };
    if (request.operation != SMP_READ && request.operation != SMP_WRITE) return 0;
    smp_handler *handler = handler_of(request.group);
    cbor_map(&answer);
    int result = !handler ? SMP_ENOTSUP : session_allows(&request) ? handler(&request) : SMP_EACCESSDENIED;
    if (answer.full) result = SMP_EINVAL;
    if (result > SMP_OK) {
        answer.size = SMP_HEADER;
        answer.full = 0;
        cbor_map(&answer);
        cbor_put_number(&answer, "rc", (uint64_t)result);
    }
    answer.capacity = SMP_MAX;
    cbor_end(&answer);
    memcpy(out, bytes, SMP_HEADER);
    out[0] = (uint8_t)((request.operation + 1) | request.version << VERSION_SHIFT);
    out[1] = 0;
    out[2] = (uint8_t)((answer.size - SMP_HEADER) >> 8);
    out[3] = (uint8_t)(answer.size - SMP_HEADER);
    return answer.size;
}
