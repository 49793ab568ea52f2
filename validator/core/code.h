/* code.h - private: offsets of layout.h as constants, and the checks of a code that need no key. */
#ifndef YIMA_CODE_H
#define YIMA_CODE_H
#include "bytes.h"
#include "layout.h"
#include "yima/core.h"

/* YIMA_AT_CAP, YIMA_CERTIFICATE_AT_EXPIRY, ... */
enum {
#define YIMA_F(name, number, offset, size, after_data) YIMA_AT_##name = (offset),
    YIMA_CODE_FIELDS(YIMA_F)
#undef YIMA_F
};

enum {
#define YIMA_F(name, number, offset, size, after_data) YIMA_CERTIFICATE_AT_##name = (offset),
    YIMA_CERTIFICATE_FIELDS(YIMA_F)
#undef YIMA_F
};

enum {
    YIMA_KEY_SIZE = 33,        /* SM2, compressed */
    YIMA_SIGNATURE_TAG = 0x15, /* before r and s in fields 15 and 17 */
    YIMA_ACCOUNT_SIZE = 10,    /* card account */
    YIMA_INSTITUTION_SIZE = 4  /* organisation, platform, issuer id */
};

/* Sizes and lengths agree, so every field lies within `length`. ACCEPTED, or the reason of the first that fails. */
yima_reason yima_code_sizes(const uint8_t *code, size_t length);

/* 16 printable characters; 10 bytes of decimal digits, F padded, at least one digit. */
int yima_is_payment_account(const uint8_t *account);
int yima_is_card_account(const uint8_t *account);

/* The accounts' characters; sizes have been checked. */
yima_reason yima_code_accounts(const uint8_t *code);

/* The certificate's fixed fields, in the lab's order. */
yima_reason yima_certificate_fields(const uint8_t *certificate);

/* MMYY in BCD as months since year 0; 0 if it is no month. */
uint32_t yima_expiry_months(const uint8_t *mmyy);

/* Months since year 0 of a moment, UTC. */
uint32_t yima_months_of(uint32_t unix_s);
#endif
