/*
 * Outputs of two pixels from the sums of tc_dot_w4a4, by multiplier and shift. Two channels of two
 * pixels are four chains of instructions, which hide each other's latencies in an order found by
 * thumbclock schedule: four outputs take 19 cycles on an M7 and 42 on an M4.
 */
    .syntax unified
    .thumb

#define CHANNEL r0
#define SUMS    r1
#define TO      r2
#define LEFT    r3
#define FIRST   r4 /* corrections */
#define SECOND  r5
#define B0      r6
#define M0      r7
#define B1      r8
#define M1      r9
#define LOW     r10
#define HIGH    r11
#define LOW2    r12
#define HIGH2   lr

    .section .text.tc_finish_w4a4, "ax", %progbits
    .p2align 3
    .global tc_finish_w4a4
    .type   tc_finish_w4a4, %function
    .thumb_func
/*
 * void tc_finish_w4a4(const tc_channel_un *channels, const int32_t *sums, uint8_t *first,
 *                     uint32_t left, int32_t first_correction, int32_t second_correction,
 *                     uint8_t *second, const uint8_t *end): to where first ends. A lone pixel
 * comes with second equal to first, which is written last.
 */
tc_finish_w4a4:
    push    {r4-r11, lr}
    ldrd    r4, r5, [sp, #36]
    ldr     r6, [sp, #44]
    subs    r6, r6, r2              /* from the first pixel's outputs to the second's */
    str     r6, [sp, #44]
.Lpair:
    ldm     CHANNEL!, {B0, M0, B1, M1}
    ldm     SUMS!, {LOW, HIGH, LOW2, HIGH2}
    sub     LOW2, LOW2, HIGH2, lsl #12
    add     HIGH2, HIGH2, B1
    add     LOW2, LOW2, B0
    sub     LOW, LOW, HIGH, lsl #12
    add     LOW, LOW, B0
    sub     LOW2, LOW2, SECOND
    lsl     HIGH2, HIGH2, LEFT
    ldr     B0, [sp, #44]
    add     HIGH, HIGH, B1
    lsl     LOW2, LOW2, LEFT
    smmulr  HIGH2, HIGH2, M1
    sub     LOW, LOW, FIRST
    smmulr  LOW2, LOW2, M0
    lsl     LOW, LOW, LEFT
    lsl     HIGH, HIGH, LEFT
    smmulr  HIGH, HIGH, M1
    usat    HIGH2, #4, HIGH2
    smmulr  LOW, LOW, M0
    usat    LOW2, #4, LOW2
    usat    HIGH, #4, HIGH
    usat    LOW, #4, LOW
    orr     LOW2, LOW2, HIGH2, lsl #4
    ldr     B1, [sp, #48]
    strb    LOW2, [TO, B0]
    orr     LOW, LOW, HIGH, lsl #4
    strb    LOW, [TO], #1
    cmp     TO, B1
    bne     .Lpair
    pop     {r4-r11, pc}
    .size   tc_finish_w4a4, . - tc_finish_w4a4
