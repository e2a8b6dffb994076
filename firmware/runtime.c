/* What compilers call behind a program's back: memory functions of the C library and of the Arm
 * run-time ABI (IHI 0043, section 4.3.4). Division and floating point come with the compiler.
 *
 * All are weak, so that a program may bring its own. The empty asm statement in each loop keeps
 * the compiler from recognising it as a memcpy and calling the very function it is in.
 */
#include <stdint.h>
#include <string.h>

#define RUNTIME __attribute__((weak))
#define KEEP_LOOP() __asm__ volatile("" ::: "memory")

/* A word of whatever type lies there; a loose one may lie at any address. */
typedef uint32_t __attribute__((may_alias)) word;
typedef uint32_t __attribute__((may_alias, aligned(1))) loose_word;

enum { BLOCK_BYTES = 16 };

static inline int is_aligned(const void *pointer)
{
    return ((uintptr_t)pointer & 3u) == 0;
}

/* Reads all 16 bytes before it writes any: right for blocks that overlap, too. */
static inline void copy_block(uint8_t *to, const uint8_t *from)
{
    const loose_word *source = (const loose_word *)from;
    word *destination = (word *)to;
    const uint32_t w0 = source[0];
    const uint32_t w1 = source[1];
    const uint32_t w2 = source[2];
    const uint32_t w3 = source[3];
    KEEP_LOOP();
    destination[0] = w0;
    destination[1] = w1;
    destination[2] = w2;
    destination[3] = w3;
}

static inline void copy_upwards(uint8_t *to, const uint8_t *from, size_t size)
{
    for (; size && !is_aligned(to); size--) {
        *to++ = *from++;
        KEEP_LOOP();
    }
    for (; size >= BLOCK_BYTES; size -= BLOCK_BYTES) {
        copy_block(to, from);
        to += BLOCK_BYTES;
        from += BLOCK_BYTES;
    }
    for (; size; size--) {
        *to++ = *from++;
        KEEP_LOOP();
    }
}

static inline void copy_downwards(uint8_t *to, const uint8_t *from, size_t size)
{
    to += size;
    from += size;
    for (; size && !is_aligned(to); size--) {
        *--to = *--from;
        KEEP_LOOP();
    }
    for (; size >= BLOCK_BYTES; size -= BLOCK_BYTES) {
        to -= BLOCK_BYTES;
        from -= BLOCK_BYTES;
        copy_block(to, from);
    }
    for (; size; size--) {
        *--to = *--from;
        KEEP_LOOP();
    }
}

static inline void move(uint8_t *to, const uint8_t *from, size_t size)
{
    if ((uintptr_t)to <= (uintptr_t)from)
        copy_upwards(to, from, size);
    else
        copy_downwards(to, from, size);
}

static inline void fill(uint8_t *to, uint8_t value, size_t size)
{
    const uint32_t pattern = 0x01010101u * value;
    for (; size && !is_aligned(to); size--) {
        *to++ = value;
        KEEP_LOOP();
    }
    for (; size >= BLOCK_BYTES; size -= BLOCK_BYTES) {
        word *destination = (word *)to;
        destination[0] = pattern;
        destination[1] = pattern;
        destination[2] = pattern;
        destination[3] = pattern;
        to += BLOCK_BYTES;
        KEEP_LOOP();
    }
    for (; size; size--) {
        *to++ = value;
        KEEP_LOOP();
    }
}

RUNTIME void *memcpy(void *restrict destination, const void *restrict source, size_t size)
{
    copy_upwards(destination, source, size);
    return destination;
}

RUNTIME void *memmove(void *destination, const void *source, size_t size)
{
    move(destination, source, size);
    return destination;
}

RUNTIME void *memset(void *destination, int value, size_t size)
{
    fill(destination, (uint8_t)value, size);
    return destination;
}

RUNTIME int memcmp(const void *left, const void *right, size_t size)
{
    const uint8_t *l = left;
    const uint8_t *r = right;
    for (; size; size--, l++, r++) {
        if (*l != *r)
            return *l - *r;
        KEEP_LOOP();
    }
    return 0;
}

RUNTIME size_t strlen(const char *text)
{
    const char *end = text;
    while (*end) {
        end++;
        KEEP_LOOP();
    }
    return (size_t)(end - text);
}

/* The ABI's names: 4 and 8 promise that alignment. memset has its parameters the other way. None
 * of them may call its C counterpart, since compilers turn that into a call of the ABI's. */
RUNTIME void __aeabi_memcpy(void *restrict destination, const void *restrict source, size_t size)
{
    copy_upwards(destination, source, size);
}

RUNTIME void __aeabi_memmove(void *destination, const void *source, size_t size)
{
    move(destination, source, size);
}

RUNTIME void __aeabi_memset(void *destination, size_t size, int value)
{
    fill(destination, (uint8_t)value, size);
}

RUNTIME void __aeabi_memclr(void *destination, size_t size)
{
    fill(destination, 0, size);
}

#define ALIAS(target) __attribute__((weak, alias(target)))
void __aeabi_memcpy4(void *restrict, const void *restrict, size_t) ALIAS("__aeabi_memcpy");
void __aeabi_memcpy8(void *restrict, const void *restrict, size_t) ALIAS("__aeabi_memcpy");
void __aeabi_memmove4(void *, const void *, size_t) ALIAS("__aeabi_memmove");
void __aeabi_memmove8(void *, const void *, size_t) ALIAS("__aeabi_memmove");
void __aeabi_memset4(void *, size_t, int) ALIAS("__aeabi_memset");
void __aeabi_memset8(void *, size_t, int) ALIAS("__aeabi_memset");
void __aeabi_memclr4(void *, size_t) ALIAS("__aeabi_memclr");
void __aeabi_memclr8(void *, size_t) ALIAS("__aeabi_memclr");
