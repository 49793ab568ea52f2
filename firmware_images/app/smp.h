/* smp.h - SMP (mcumgr) requests and answers, and the groups that the firmware knows. */
#ifndef YIMA_SMP_H
#define YIMA_SMP_H
#include "cbor.h"

enum {
    SMP_HEADER = 8,
    SMP_MAX = 2048, /* of a request or an answer, header and all */
    SMP_READ = 0,
    SMP_WRITE = 2,
    SMP_GROUP_OS = 0,
    SMP_GROUP_IMAGE = 1,
    SMP_GROUP_YIMA = 64,
    SMP_OK = 0,
    SMP_EINVAL = 3,
    SMP_ENOTSUP = 8,
    SMP_EACCESSDENIED = 11
};

typedef struct {
    uint8_t operation, version, sequence, command;
    uint16_t group;
    const uint8_t *cbor;
    size_t size;
    cbor_out *answer; /* an open map: the group puts its keys in */
} smp_request;

/* Handles a command of its group: fills the answer and returns SMP_OK; or a generic error; or what smp_refuse returned. */
typedef int smp_handler(smp_request *request);

/* An error of the group's own: `code` is answered as its group's error (SMP version 2) or as `rc` (version 1). */
int smp_refuse(smp_request *request, uint32_t code);

int smp_os(smp_request *request);
int smp_image(smp_request *request);
int smp_yima(smp_request *request);

/* Answers one request; returns the size of the answer, 0: none. */
size_t smp_answer(const uint8_t *request, size_t size, uint8_t answer[SMP_MAX]);

/* 1 after the station asked for a reset: the answer goes out first. */
int smp_reset_wanted(void);
#endif
