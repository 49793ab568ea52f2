/* trust.h - private: whom the validator trusts, and what it remembers of them and of accepted codes. */
#ifndef YIMA_TRUST_H
#define YIMA_TRUST_H
#include "sm2.h"
#include "yima/core.h"

/* Finds the issuer's key through its certificate (fields, institution, root, CA signature, expiry). `now_s` is looked
 * at only when `trusted_time`. On acceptance *key is filled and *slot is its place in the cache, -1 if it has none yet.
 */
yima_reason yima_trust_check(const yima_validator *v, const uint8_t *code, uint32_t now_s, int trusted_time,
                             yima_sm2_key *key, int *slot);

/* 1 if r||s is the issuer's signature over e; takes the issuer's table if there is one. */
int yima_trust_verify(const yima_validator *v, int slot, const yima_sm2_key *key, const uint8_t e[32],
                      const uint8_t signature[64]);

/* Its certificate vouched for a code that verified in full: keeps it, or counts it. */
void yima_trust_keep(yima_validator *v, int slot, const uint8_t *certificate, const yima_sm2_key *key);

/* Divides the memory for tables into slots, the widest windows first. */
void yima_trust_divide(yima_validator *v, void *tables, size_t size);

/* The memory of accepted codes. `digest` is e of the rider's signature, of which 16 bytes are kept. */
int yima_replay_holds(const yima_validator *v, const uint8_t *digest, int64_t now);
int yima_replay_too_soon(const yima_validator *v, const uint8_t *account, int64_t now);
void yima_replay_insert(yima_validator *v, const uint8_t *digest, const uint8_t *account, int64_t accepted_at,
                        int64_t until, int64_t now);
void yima_replay_remove(yima_validator *v, const uint8_t *digest);
#endif
