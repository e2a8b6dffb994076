/* Branchy code with about five instructions per block, of the kinds that firmware is full of: sorting,
 * a linked list, a tokenizer as a state machine, a bitwise CRC, and branches on random bits. */
#include <stdint.h>

#include "thumbclock.h"

#define COUNT 512

typedef struct node {
    struct node *next;
    int16_t key;
    int16_t visits;
} node_t;

static uint32_t random_state = 1;
static int32_t values[COUNT];
static node_t nodes[COUNT];
static char text[1024];
static volatile uint32_t sink;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static void quick_sort(int32_t *low, int32_t *high)
{
    while (low < high) {
        int32_t pivot = low[(high - low) / 2];
        int32_t *left = low, *right = high;
        while (left <= right) {
            while (*left < pivot)
                left++;
            while (*right > pivot)
                right--;
            if (left <= right) {
                int32_t swapped = *left;
                *left++ = *right;
                *right-- = swapped;
            }
        }
        if (right - low < high - left) {
            quick_sort(low, right);
            low = left;
        } else {
            quick_sort(left, high);
            high = right;
        }
    }
}

__attribute__((noinline)) uint32_t bench_sort(uint32_t rounds)
{
    uint32_t sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < COUNT; i++)
            values[i] = (int32_t)next_random();
        quick_sort(values, values + COUNT - 1);
        sum += (uint32_t)values[round % COUNT];
    }
    return sum;
}

__attribute__((noinline)) uint32_t bench_list(uint32_t rounds)
{
    for (uint32_t i = 0; i < COUNT; i++) {
        nodes[i].next = i + 1 < COUNT ? &nodes[(i * 7 + 1) % COUNT] : 0;
        nodes[i].key = (int16_t)next_random();
    }
    uint32_t found = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        int16_t wanted = nodes[round % COUNT].key;
        uint32_t steps = 0;
        for (node_t *node = &nodes[0]; node && steps < COUNT; node = node->next, steps++) {
            node->visits++;
            if (node->key == wanted)
                found++;
            else if (node->key < 0 && (steps & 7) == 3)
                node->visits = 0;
        }
    }
    return found;
}

__attribute__((noinline)) uint32_t bench_tokens(uint32_t rounds)
{
    static const char sample[] = "if (x12 <= 0x3f) { y = x*42 + \"text\"; } // note\n";
    for (uint32_t i = 0; i < sizeof text - 1; i++)
        text[i] = sample[i % (sizeof sample - 1)];
    uint32_t counts[5] = {0};
    for (uint32_t round = 0; round < rounds; round++) {
        enum { START, NAME, NUMBER, STRING, COMMENT } state = START;
        for (const char *c = text; *c; c++) {
            switch (state) {
            case NAME:
                if ((*c | 32) >= 'a' && (*c | 32) <= 'z')
                    continue;
                /* fall through */
            case NUMBER:
                if (*c >= '0' && *c <= '9')
                    continue;
                state = START;
                break;
            case STRING:
                state = *c == '"' ? START : STRING;
                continue;
            case COMMENT:
                state = *c == '\n' ? START : COMMENT;
                continue;
            default:
                break;
            }
            if ((*c | 32) >= 'a' && (*c | 32) <= 'z')
                state = NAME;
            else if (*c >= '0' && *c <= '9')
                state = NUMBER;
            else if (*c == '"')
                state = STRING;
            else if (*c == '/' && c[1] == '/')
                state = COMMENT;
            counts[state]++;
        }
    }
    return counts[1] + 3 * counts[2] + 5 * counts[3] + 7 * counts[4];
}

__attribute__((noinline)) uint32_t bench_crc(uint32_t rounds)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t round = 0; round < rounds; round++) {
        crc ^= (round * 0x9E3779B9u) >> 24;
        for (int bit = 0; bit < 8; bit++) {
            if (crc & 1)
                crc = crc >> 1 ^ 0xEDB88320u;
            else
                crc >>= 1;
            __asm__ volatile("" : "+r"(crc));
        }
    }
    return crc;
}

__attribute__((noinline)) uint32_t bench_random(uint32_t rounds)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < rounds; i++) {
        uint32_t x = next_random();
        if (x & 1)
            sum += (uint32_t)values[i % 64];
        else
            sum ^= x;
        if (x & 6)
            sum += 3;
        else
            values[i % 64] = (int32_t)sum;
        if ((x & 0x18) == 8)
            sum -= (uint32_t)values[x % 64];
    }
    return sum;
}

void tc_kernel(void)
{
    sink = bench_sort(1) + bench_list(1) + bench_tokens(1) + bench_crc(1) + bench_random(1);
}
