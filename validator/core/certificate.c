/* certificate.c - issuer certificates, the roots above them, and the cache of those that verified.
 *
 * A certificate enters the cache only when a whole code under it has verified, so unsigned bytes cannot push an issuer
 * out. Expiry and withdrawal are looked at every time: a cached certificate still ends. Tables are built by yima_idle alone. */
#include "code.h"
#include "parameters.h"
#include "trust.h"

enum {
    ROOT_AT_INDEX = 10,
    ROOT_AT_EXPIRY = 11,
    ROOT_AT_ALGORITHM = 13,
    ROOT_AT_KEY_LENGTH = 15, /* after the parameter, of which 00 and 11 are in the field */
    ROOT_AT_KEY = 16,
    ROOT_AT_SIGNATURE = 80,
    ALGORITHM_SM2 = 4,
    TABLE_ALIGNMENT = 64,
    TABLE_AFTER_USES = 3
};

static const uint8_t service_id[4] = {0x01, 0x01, 0x00, 0x00};

static unsigned bcd(uint8_t byte) {
    const unsigned high = byte >> 4;
    const unsigned low = byte & 15u;
    return high > 9 || low > 9 ? 100 : high * 10 + low;
}

uint32_t yima_expiry_months(const uint8_t *mmyy) {
    const unsigned month = bcd(mmyy[0]);
    const unsigned year = bcd(mmyy[1]);
    return month < 1 || month > 12 || year > 99 ? 0 : (2000 + year) * 12 + month - 1;
}

/* Civil date of a day, by years that begin in March, so that the leap day comes last. */
uint32_t yima_months_of(uint32_t unix_s) {
    const uint32_t days = unix_s / 86400 + 719468; /* since 0000-03-01 */
    const uint32_t era = days / 146097;            /* 400 years each */
    const uint32_t day = days % 146097;
    const uint32_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    const uint32_t day_of_year = day - (365 * year + year / 4 - year / 100);
    const uint32_t month = (5 * day_of_year + 2) / 153; /* 0 = March */
    return (era * 400 + year) * 12 + month + 2;
}

yima_reason yima_certificate_fields(const uint8_t *certificate) {
    if (certificate[YIMA_CERTIFICATE_AT_HEADER] != 0x24) {
        return YIMA_REASON_CERTIFICATE_HEADER;
    }
    if (memcmp(certificate + YIMA_CERTIFICATE_AT_SERVICE_ID, service_id, sizeof service_id) != 0) {
        return YIMA_REASON_CERTIFICATE_SERVICE;
    }
    if (certificate[YIMA_CERTIFICATE_AT_FORMAT] != 0x12) {
        return YIMA_REASON_CERTIFICATE_FORMAT;
    }
    if (certificate[YIMA_CERTIFICATE_AT_SIGNATURE_ALGORITHM] != ALGORITHM_SM2) {
        return YIMA_REASON_SIGNATURE_ALGORITHM;
    }
    const uint8_t encryption = certificate[YIMA_CERTIFICATE_AT_ENCRYPTION_ALGORITHM];
    if (encryption != ALGORITHM_SM2 && encryption != 0) { /* 00 is one builder's habit */
        return YIMA_REASON_ENCRYPTION_ALGORITHM;
    }
    if (certificate[YIMA_CERTIFICATE_AT_CURVE_PARAMETER] != 0) {
        return YIMA_REASON_CURVE_PARAMETER;
    }
    if (certificate[YIMA_CERTIFICATE_AT_KEY_LENGTH] != YIMA_KEY_SIZE ||
        yima_expiry_months(certificate + YIMA_CERTIFICATE_AT_EXPIRY) == 0) {
        return YIMA_REASON_CERTIFICATE_INVALID;
    }
    return YIMA_REASON_ACCEPTED;
}

int yima_root_certificate_valid(const uint8_t *certificate, size_t size) {
    static const uint8_t rid[5] = {0xa0, 0x00, 0x00, 0x06, 0x32};
    if (size != YIMA_ROOT_CERTIFICATE_SIZE || certificate[0] != 0x21 ||
        memcmp(certificate + 1, service_id, sizeof service_id) != 0 || memcmp(certificate + 5, rid, sizeof rid) != 0 ||
        yima_expiry_months(certificate + ROOT_AT_EXPIRY) == 0 || certificate[ROOT_AT_ALGORITHM] != ALGORITHM_SM2 ||
        certificate[ROOT_AT_KEY_LENGTH] != 64) {
        return 0;
    }
    const yima_sm2_kernel *kernel = yima_sm2_best();
    yima_sm2_key key;
    if (!kernel->parse_key(&key, certificate + ROOT_AT_KEY, 64)) {
        return 0;
    }
    uint8_t e[32];
    yima_sm2_digest(&key, certificate, ROOT_AT_SIGNATURE, e);
    return kernel->verify(&key, e, certificate + ROOT_AT_SIGNATURE);
}

static int verify_certificate(const yima_validator *v, const uint8_t *certificate, const yima_root *root,
                              yima_sm2_key *key) {
    const int has_table = v->root.built && v->root.index == certificate[YIMA_CERTIFICATE_AT_ROOT_INDEX];
    yima_sm2_key ca;
    if (!v->kernel->parse_key(key, certificate + YIMA_CERTIFICATE_AT_ISSUER_KEY, YIMA_KEY_SIZE)) {
        return 0;
    }
    if (has_table) {
        memcpy(&ca, v->root.key, sizeof ca);
    } else if (!v->kernel->parse_key(&ca, root->key, 64)) {
        return 0;
    }
    uint8_t e[32];
    yima_sm2_digest(&ca, certificate + YIMA_CERTIFICATE_AT_FORMAT,
                    YIMA_CERTIFICATE_AT_CA_SIGNATURE - YIMA_CERTIFICATE_AT_FORMAT, e);
    const uint8_t *signature = certificate + YIMA_CERTIFICATE_AT_CA_SIGNATURE;
    return has_table ? v->kernel->verify_table(v->tables, v->root.window, e, signature)
                     : v->kernel->verify(&ca, e, signature);
}

/* A root that changes has another table. */
static void want_root(yima_validator *v, uint8_t index) {
    v->root.built = (uint8_t)(v->root.built && v->root.index == index);
    v->root.index = index;
}

/* Other parameters may load other roots: whoever was trusted is verified anew. */
void yima_trust_begin(yima_validator *v) {
    for (int i = 0; i < YIMA_TRUSTED_ISSUERS; i++) {
        memset(&v->issuers[i], 0, sizeof v->issuers[i]);
        v->issuers[i].table = -1;
    }
    v->root.built = 0;
    if (v->parameters && v->parameters->sections[YIMA_SECTION_ROOTS].count) {
        v->root.index = YIMA_VALUE(v->parameters->sections[YIMA_SECTION_ROOTS].rows, ROOTS, INDEX);
    }
}

static int find_issuer(const yima_validator *v, const uint8_t *certificate) {
    for (int i = 0; i < YIMA_TRUSTED_ISSUERS; i++) {
        if (v->issuers[i].valid && memcmp(v->issuers[i].certificate, certificate, YIMA_CERTIFICATE_SIZE) == 0) {
            return i;
        }
    }
    return -1;
}

yima_reason yima_trust_check(const yima_validator *v, const uint8_t *code, uint32_t now_s, int trusted_time,
                             yima_sm2_key *key, int *slot) {
    const uint8_t *certificate = code + YIMA_AT_CERTIFICATE;
    *slot = find_issuer(v, certificate);
    if (*slot < 0) {
        const yima_reason fields = yima_certificate_fields(certificate);
        if (fields != YIMA_REASON_ACCEPTED) {
            return fields;
        }
    }
    if (memcmp(certificate + YIMA_CERTIFICATE_AT_ISSUER_ID, code + YIMA_AT_ORGANISATION, YIMA_INSTITUTION_SIZE) != 0) {
        return YIMA_REASON_ISSUER_MISMATCH;
    }
    yima_root root;
    if (!yima_root_find(v->parameters, certificate[YIMA_CERTIFICATE_AT_ROOT_INDEX], &root)) {
        return YIMA_REASON_ROOT_NOT_LOADED;
    }
    if (*slot >= 0) {
        memcpy(key, v->issuers[*slot].key, sizeof *key);
    } else if (!verify_certificate(v, certificate, &root, key)) {
        return YIMA_REASON_CERTIFICATE_INVALID;
    }
    if (trusted_time) {
        if (yima_certificate_revoked(v->parameters, certificate, now_s)) {
            return YIMA_REASON_CERTIFICATE_REVOKED;
        }
        const uint32_t month = yima_months_of(now_s);
        if (month > root.expiry_months) {
            return YIMA_REASON_ROOT_EXPIRED;
        }
        if (month > yima_expiry_months(certificate + YIMA_CERTIFICATE_AT_EXPIRY)) {
            return YIMA_REASON_CERTIFICATE_EXPIRED;
        }
    }
    return YIMA_REASON_ACCEPTED;
}

int yima_trust_verify(const yima_validator *v, int slot, const yima_sm2_key *key, const uint8_t e[32],
                      const uint8_t signature[64]) {
    if (slot < 0 || v->issuers[slot].table < 0) {
        return v->kernel->verify(key, e, signature);
    }
    const int16_t table = v->issuers[slot].table;
    return v->kernel->verify_table(v->tables + v->table_slots[table].offset, v->table_slots[table].window, e,
                                   signature);
}

void yima_trust_keep(yima_validator *v, int slot, const uint8_t *certificate, const yima_sm2_key *key) {
    v->clock++;
    if (slot < 0) {
        uint32_t oldest = 0;
        slot = 0;
        for (int i = 0; i < YIMA_TRUSTED_ISSUERS; i++) {
            const uint32_t age = v->issuers[i].valid ? v->clock - v->issuers[i].used_at : UINT32_MAX;
            if (age > oldest) {
                oldest = age;
                slot = i;
            }
        }
        yima_trusted_issuer *issuer = &v->issuers[slot];
        memcpy(issuer->certificate, certificate, YIMA_CERTIFICATE_SIZE);
        memcpy(issuer->key, key, sizeof *key);
        issuer->valid = 1;
        issuer->uses = 0;
        issuer->table = -1; /* frees the table of the one before */
        want_root(v, certificate[YIMA_CERTIFICATE_AT_ROOT_INDEX]);
    }
    v->issuers[slot].used_at = v->clock;
    if (v->issuers[slot].uses < UINT32_MAX) {
        v->issuers[slot].uses++;
    }
}

void yima_trust_divide(yima_validator *v, void *tables, size_t size) {
    const size_t skip = tables ? (TABLE_ALIGNMENT - (uintptr_t)tables % TABLE_ALIGNMENT) % TABLE_ALIGNMENT : 0;
    if (!tables || size <= skip) {
        return;
    }
    v->tables = (uint8_t *)tables + skip;
    size -= skip;
    size_t offset = 0;
    int slot = 0;
    for (uint8_t window = 8; window >= 4; window--) {
        const size_t bytes = (yima_sm2_table_size(window) + TABLE_ALIGNMENT - 1) / TABLE_ALIGNMENT * TABLE_ALIGNMENT;
        if (!v->root.window && bytes <= size / 2) {
            v->root.window = window;
            offset = bytes;
        }
        while (v->root.window && slot < YIMA_TRUSTED_ISSUERS && size - offset >= bytes) {
            v->table_slots[slot].offset = offset;
            v->table_slots[slot].window = window;
            offset += bytes;
            slot++;
        }
    }
}

/* The table slot to build in: a free one, else that of an issuer used less than half as often; -1: none is due. */
static int slot_for(yima_validator *v, const yima_trusted_issuer *wanting) {
    yima_trusted_issuer *least = NULL;
    for (int slot = 0; slot < YIMA_TRUSTED_ISSUERS && v->table_slots[slot].window; slot++) {
        yima_trusted_issuer *owner = NULL;
        for (int i = 0; i < YIMA_TRUSTED_ISSUERS; i++) {
            if (v->issuers[i].valid && v->issuers[i].table == slot) {
                owner = &v->issuers[i];
            }
        }
        if (!owner) {
            return slot;
        }
        if (!least || owner->uses < least->uses) {
            least = owner;
        }
    }
    if (!least || least->uses >= wanting->uses / 2) {
        return -1;
    }
    const int slot = least->table;
    least->table = -1;
    return slot;
}

/* 1 if the table of the root was built: computed here, from the point that the parameters say. */
static int build_root(yima_validator *v) {
    yima_root root;
    yima_sm2_key key;
    if (v->root.built || !v->root.window || !v->parameters || !yima_root_find(v->parameters, v->root.index, &root) ||
        !v->kernel->parse_key(&key, root.key, 64)) {
        return 0;
    }
    v->kernel->build_table(v->tables, v->root.window, &key);
    memcpy(v->root.key, &key, sizeof key);
    v->root.built = 1;
    return 1;
}

int yima_idle(yima_validator *v) {
    yima_trusted_issuer *busiest = NULL;
    for (int i = 0; i < YIMA_TRUSTED_ISSUERS; i++) {
        yima_trusted_issuer *issuer = &v->issuers[i];
        if (issuer->valid && issuer->table < 0 && issuer->uses >= TABLE_AFTER_USES &&
            (!busiest || issuer->uses > busiest->uses)) {
            busiest = issuer;
        }
    }
    const int slot = busiest ? slot_for(v, busiest) : -1;
    if (slot < 0) {
        return build_root(v);
    }
    yima_sm2_key key;
    memcpy(&key, busiest->key, sizeof key);
    v->kernel->build_table(v->tables + v->table_slots[slot].offset, v->table_slots[slot].window, &key);
    busiest->table = (int16_t)slot;
    return 1;
}
