/* layout.h - the one table of where fields lie: YIMA_F(NAME, number, offset, size, after_data).
 * Numbers are JT/T 1179's. Offsets are from the start of the code, issuer data left out; after_data = 1 adds field 13.
 */
/* clang-format off */
#define YIMA_CODE_FIELDS(YIMA_F)                 \
    YIMA_F(VERSION, 1, 0, 1, 0)                  \
    YIMA_F(LENGTH, 2, 1, 2, 0)                   \
    YIMA_F(CERTIFICATE, 3, 3, 117, 0)            \
    YIMA_F(PAYMENT_ACCOUNT, 4, 120, 16, 0)       \
    YIMA_F(CARD_ACCOUNT, 5, 136, 10, 0)          \
    YIMA_F(ORGANISATION, 6, 146, 4, 0)           \
    YIMA_F(PLATFORM, 7, 150, 4, 0)               \
    YIMA_F(ACCOUNT_TYPE, 8, 154, 1, 0)           \
    YIMA_F(CAP, 9, 155, 3, 0)                    \
    YIMA_F(RIDER_KEY, 10, 158, 33, 0)            \
    YIMA_F(AUTHORISED_UNTIL, 11, 191, 4, 0)      \
    YIMA_F(VALIDITY, 12, 195, 2, 0)              \
    YIMA_F(ISSUER_DATA_LENGTH, 13, 197, 1, 0)    \
    YIMA_F(ISSUER_DATA, 14, 198, 0, 0)           \
    YIMA_F(ISSUER_SIGNATURE, 15, 198, 65, 1)     \
    YIMA_F(GENERATED_AT, 16, 263, 4, 1)          \
    YIMA_F(RIDER_SIGNATURE, 17, 267, 65, 1)

/* Within the issuer certificate (field 3). */
#define YIMA_CERTIFICATE_FIELDS(YIMA_F)          \
    YIMA_F(HEADER, 3, 0, 1, 0)                   \
    YIMA_F(SERVICE_ID, 3, 1, 4, 0)               \
    YIMA_F(ROOT_INDEX, 3, 5, 1, 0)               \
    YIMA_F(FORMAT, 3, 6, 1, 0)                   \
    YIMA_F(ISSUER_ID, 3, 7, 4, 0)                \
    YIMA_F(EXPIRY, 3, 11, 2, 0)                  \
    YIMA_F(SERIAL, 3, 13, 3, 0)                  \
    YIMA_F(SIGNATURE_ALGORITHM, 3, 16, 1, 0)     \
    YIMA_F(ENCRYPTION_ALGORITHM, 3, 17, 1, 0)    \
    YIMA_F(CURVE_PARAMETER, 3, 18, 1, 0)         \
    YIMA_F(KEY_LENGTH, 3, 19, 1, 0)              \
    YIMA_F(ISSUER_KEY, 3, 20, 33, 0)             \
    YIMA_F(CA_SIGNATURE, 3, 53, 64, 0)
/* clang-format on */
