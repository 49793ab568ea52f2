/* code.c - the ministry code's layout as data, and its format checks.
 *
 * After yima_code_sizes every offset of layout.h lies within the code; nothing behind that door checks a length again.
 */
#include "code.h"

const yima_layout_row *yima_code_layout(size_t *count) {
    static const yima_layout_row rows[] = {
#define YIMA_F(name, number, offset, size, after_data) {#name, (number), (offset), (size), (after_data)},
        YIMA_CODE_FIELDS(YIMA_F)
#undef YIMA_F
    };
    *count = sizeof rows / sizeof *rows;
    return rows;
}

const yima_layout_row *yima_certificate_layout(size_t *count) {
    static const yima_layout_row rows[] = {
#define YIMA_F(name, number, offset, size, after_data) {#name, (number), (offset), (size), (after_data)},
        YIMA_CERTIFICATE_FIELDS(YIMA_F)
#undef YIMA_F
    };
    *count = sizeof rows / sizeof *rows;
    return rows;
}

yima_reason yima_code_sizes(const uint8_t *code, size_t length) {
    if (length > YIMA_CODE_MAX) {
        return YIMA_REASON_TOO_LONG;
    }
    if (length < YIMA_CODE_MIN) {
        return YIMA_REASON_TOO_SHORT;
    }
    if ((size_t)yima_be16(code + YIMA_AT_LENGTH) + 3 != length) {
        return YIMA_REASON_LENGTH_FIELD;
    }
    const uint8_t data = code[YIMA_AT_ISSUER_DATA_LENGTH];
    if (data > YIMA_ISSUER_DATA_MAX) {
        return YIMA_REASON_ISSUER_DATA_LENGTH;
    }
    if ((size_t)YIMA_CODE_MIN + data != length) {
        return YIMA_REASON_ISSUER_DATA_SIZE;
    }
    return YIMA_REASON_ACCEPTED;
}

int yima_is_payment_account(const uint8_t *account) {
    for (unsigned i = 0; i < 16; i++) {
        if (account[i] < 0x20 || account[i] > 0x7e) {
            return 0;
        }
    }
    return 1;
}

int yima_is_card_account(const uint8_t *account) {
    unsigned digits = 0;
    unsigned padded = 0;
    for (unsigned i = 0; i < 2 * YIMA_ACCOUNT_SIZE; i++) {
        const unsigned nibble = i % 2 ? account[i / 2] & 15u : account[i / 2] >> 4;
        if (nibble == 15) {
            padded = 1;
        } else if (nibble > 9 || padded) {
            return 0;
        } else {
            digits++;
        }
    }
    return digits != 0;
}

yima_reason yima_code_accounts(const uint8_t *code) {
    if (!yima_is_payment_account(code + YIMA_AT_PAYMENT_ACCOUNT)) {
        return YIMA_REASON_PAYMENT_ACCOUNT;
    }
    return yima_is_card_account(code + YIMA_AT_CARD_ACCOUNT) ? YIMA_REASON_ACCEPTED : YIMA_REASON_CARD_ACCOUNT;
}
