/*
 * Outputs of two pixels from the totals of tc_dot_w2a2, by multiplier and shift. Two channels of
 * two pixels are four chains of instructions, which hide each other's latencies in an order found
 * by thumbclock schedule: eight outputs take 42 cycles on an M7 and 82 on an M4.
 */
    .syntax unified
    .thumb

#define CHANNEL r0
#define TOTALS  r1
#define BYTES   r2 /* the first pixel's, and above it the second's */
#define LEFT    r3
#define FIRST   r4 /* corrections */
#define SECOND  r5
#define B0      r6
#define M0      r7
#define B1      r8
#define M1      r9
#define EVEN    r10
#define ODD     r11
#define LOW     r12
#define LOW2    lr

    .section .text.tc_finish_w2a2, "ax", %progbits
    .p2align 3
    .global tc_finish_w2a2
    .type   tc_finish_w2a2, %function
    .thumb_func
/*
 * void tc_finish_w2a2(const tc_channel_un *channels, const int32_t *totals, int32_t groups,
 *                     uint32_t left, int32_t first_correction, int32_t second_correction,
 *                     uint8_t *first, uint8_t *second): groups of four channels; a lone pixel
 * comes with second equal to first, which is written last.
 */
tc_finish_w2a2:
    push    {r4-r11, lr}
    ldrd    r4, r5, [sp, #36]
    ldrd    r6, r7, [sp, #44]
    add     r8, r6, r2              /* where the first pixel's outputs end */
    subs    r7, r7, r6
    sub     sp, sp, #12
    strd    r6, r7, [sp]
    str     r8, [sp, #8]
.Lgroup:
    ldr     ODD, [TOTALS, #4]
    ldr     EVEN, [TOTALS]
    ldm     CHANNEL!, {B0, M0, B1, M1}
    ubfx    LOW2, ODD, #0, #14
    add     LOW2, LOW2, B0
    sub     EVEN, EVEN, ODD, lsl #7
    sub     LOW2, LOW2, SECOND
    add     ODD, B1, ODD, asr #14
    lsl     LOW2, LOW2, LEFT
    lsl     ODD, ODD, LEFT
    ubfx    LOW, EVEN, #0, #14
    smmulr  ODD, ODD, M1
    smmulr  LOW2, LOW2, M0
    add     EVEN, B1, EVEN, asr #14
    add     LOW, LOW, B0
    sub     LOW, LOW, FIRST
    usat    ODD, #2, ODD
    lsl     EVEN, EVEN, LEFT
    lsl     LOW, LOW, LEFT
    smmulr  EVEN, EVEN, M1
    usat    LOW2, #2, LOW2
    smmulr  LOW, LOW, M0
    ldm     CHANNEL!, {B0, M0, B1, M1}
    usat    LOW, #2, LOW
    orr     LOW2, LOW2, ODD, lsl #2
    usat    EVEN, #2, EVEN
    ldr     ODD, [TOTALS, #20]
    orr     LOW, LOW, LOW2, lsl #8
    ubfx    LOW2, ODD, #0, #14
    orr     EVEN, LOW, EVEN, lsl #2
    mov     BYTES, EVEN
    ldr     EVEN, [TOTALS, #16]
    add     LOW2, LOW2, B0
    sub     LOW2, LOW2, SECOND
    lsl     LOW2, LOW2, LEFT
    sub     EVEN, EVEN, ODD, lsl #7
    add     ODD, B1, ODD, asr #14
    smmulr  LOW2, LOW2, M0
    ubfx    LOW, EVEN, #0, #14
    lsl     ODD, ODD, LEFT
    smmulr  ODD, ODD, M1
    add     EVEN, B1, EVEN, asr #14
    add     LOW, LOW, B0
    sub     LOW, LOW, FIRST
    lsl     EVEN, EVEN, LEFT
    lsl     LOW, LOW, LEFT
    smmulr  EVEN, EVEN, M1
    usat    ODD, #2, ODD
    smmulr  LOW, LOW, M0
    usat    LOW2, #2, LOW2
    add     TOTALS, TOTALS, #16
    usat    EVEN, #2, EVEN
    usat    LOW, #2, LOW
    orr     LOW2, LOW2, ODD, lsl #2
    ldm     sp, {B0, M0, B1}
    add     TOTALS, TOTALS, #16
    orr     LOW, LOW, LOW2, lsl #8
    orr     EVEN, LOW, EVEN, lsl #2
    orr     BYTES, BYTES, EVEN, lsl #4
    lsr     EVEN, BYTES, #8
    strb    EVEN, [B0, M0]
    strb    BYTES, [B0], #1
    cmp     B0, B1
    str     B0, [sp]
    bne     .Lgroup
    add     sp, sp, #12
    pop     {r4-r11, pc}
    .size   tc_finish_w2a2, . - tc_finish_w2a2
