/*
 * Binary convolution, bit-sliced over output channels: bit j of a word of weights belongs to
 * channel 32 * group + j, so that XOR with an activation (0 or ~0) multiplies for 32 channels and
 * full adders on whole words count for 32 channels.
 *
 * Inputs come 32 channels of one pixel to a block, transformed so that the sums and differences
 * which the first adders form need no instruction: with inputs b0 to b31 and p(i) their parity up
 * to i, number 0 is b0, odd numbers are b(i) ^ b(i + 1), even ones b(i) ^ p(i - 2), 31 is b31. The
 * transformation is linear, so weights (sliced.py) and activations (w1a1_sliced.c) undergo it
 * apart, and still take a bit each. SBFX broadcasts a bit of the block's activations.
 *
 * Adders come in twos (a "modified double full adder"): z + x1 + y1 + x2 + y2 = z' + 2 (a1 + a2),
 * with pairs given and returned as (x ^ y, y): eight instructions instead of ten.
 *
 *     g = y1 ^ z      o = h1 | g      z = z ^ h1                     first half,  h1 = x1 ^ y1
 *     a1 = z ^ o      g = y2 ^ z      b = g & ~h2     z = z ^ h2     second half, h2 = x2 ^ y2
 *     a1 ^ a2 = o ^ b
 *
 * A block of 32 words takes eight such adders at weight 1, whose inputs are already g and h, four
 * at 2, two at 4, one at 8 and half a one at 16, and leaves one word of weight 32, a carry. With
 * 32 loads, 32 SBFX and 32 XOR these are 216 instructions for 1024 products, 3.4 for 16: 108
 * cycles on an M7, about 231 on an M4. No load runs ahead of the weights.
 *
 * Behind a group's last block the carries are added, four at a time, in the 2, 4 or 8 planes that
 * hold all of them (255 blocks at most). Counters start where they pass the topmost plane if a sum
 * stays below its threshold, so that plane ends as 32 packed outputs.
 *
 * The order of the loop is a matter of the core, so it stands in a file of each; this one holds
 * what surrounds it.
 */
    .syntax unified
    .thumb

#define W    r0 /* weights */
#define A    r1 /* the block's activations, a bit each */
#define Z1   r2
#define Z2   r3
#define Z4   r4
#define Z8   r5
#define O2   r6
#define O4   r7
#define O8   r8
#define T0   r9
#define T1   r10
#define T2   r11
#define T3   r12
#define T4   lr

/* The frame: what is in no register while a block is counted. */
#define ONES      0
#define SIXTEENS  4
#define START     8
#define AT        12
#define END       16
#define PIXEL     20
#define GROUPS    24
#define FRAME     28

/* Fields of tc_sliced_pixel in w1a1_sliced.c. */
#define P_WEIGHTS 0
#define P_START   4
#define P_BLOCKS  8
#define P_END     12
#define P_GROUPS  16
#define P_PLANES  20

/* A carry from one plane into the next. */
    .macro RIPPLE plane, carry, next
    and     \next, \plane, \carry
    eor     \plane, \plane, \carry
    .endm

/* Two carries into a plane, one of twice the weight out of it, in the first one's place. */
    .macro ADD_TWO plane, carry, other
    eor     \plane, \plane, \carry
    eor     \carry, \carry, \other
    orr     \carry, \carry, \plane
    eor     \plane, \plane, \other
    eor     \carry, \carry, \plane
    .endm

/* Four carries into the planes of weight 32 and 64, one out of them in r11. */
    .macro ADD_FOUR
    ldr     r11, [r1, #4]
    ldr     r12, [r1, #12]
    ldr     lr, [r1, #20]
    ADD_TWO r2, r11, r12
    ldr     r12, [r1, #28]
    adds    r1, r1, #32
    ADD_TWO r2, lr, r12
    ADD_TWO r3, r11, lr
    .endm

/* All of tc_pixel_w1a1 before the loop over blocks, whose label is .Lblock. */
    .macro BEFORE_BLOCKS
    .section .text.tc_pixel_w1a1, "ax", %progbits
    .p2align 3
    .global tc_pixel_w1a1
    .type   tc_pixel_w1a1, %function
    .thumb_func
/* void tc_pixel_w1a1(const tc_sliced_pixel *pixel, uint8_t *output) */
tc_pixel_w1a1:
    push    {r1, r4-r11, lr}
    sub     sp, sp, #FRAME
    mov     lr, r0
    ldr     r1, [lr, #P_GROUPS]
    ldr     r2, [lr, #P_END]
    strd    r0, r1, [sp, #PIXEL]
    str     r2, [sp, #END]
    ldr     r12, [lr, #P_START]
    ldr     W, [lr, #P_WEIGHTS]
.Lgroup:
    ldmia   r12!, {r2-r6}           /* ones, twos, fours, eights, sixteens */
    ldr     T0, [lr, #P_BLOCKS]
    strd    r2, r6, [sp, #ONES]
    strd    r12, T0, [sp, #START]
    ldr     A, [T0]
    .p2align 3
    .endm

/* All of it behind the loop. */
    .macro BEHIND_BLOCKS
    ldr     T3, [sp, #AT]
    movs    r1, #0                  /* so that the carries are a multiple of four */
    str     r1, [T3, #4]
    str     r1, [T3, #12]
    str     r1, [T3, #20]
    ldr     lr, [sp, #PIXEL]
    ldr     r12, [sp, #START]
    ldr     r11, [lr, #P_PLANES]
    ldr     r1, [lr, #P_BLOCKS]
    cmp     r11, #4
    beq     .Lfour
    bhi     .Leight
    ldmia   r12!, {r2-r4}
    str     r12, [sp, #START]
    ADD_FOUR
    eor     r10, r4, r11
    b       .Lnext
.Lfour:
    ldmia   r12!, {r2-r6}
    str     r12, [sp, #START]
    mov     r10, r6
    ldr     r6, [sp, #END]
.Lfour_loop:
    ADD_FOUR
    RIPPLE  r4, r11, r12
    RIPPLE  r5, r12, r11
    cmp     r1, r6
    eor     r10, r10, r11
    blo     .Lfour_loop
    b       .Lnext
.Leight:
    ldmia   r12!, {r2-r10}
    str     r12, [sp, #START]
.Leight_loop:
    ADD_FOUR
    RIPPLE  r4, r11, r12
    RIPPLE  r5, r12, r11
    RIPPLE  r6, r11, r12
    RIPPLE  r7, r12, r11
    RIPPLE  r8, r11, r12
    RIPPLE  r9, r12, r11
    ldr     r12, [sp, #END]
    eor     r10, r10, r11
    cmp     r1, r12
    blo     .Leight_loop
.Lnext:
    ldr     r8, [sp, #GROUPS]
    ldr     r11, [sp, #FRAME]
    ldr     r12, [sp, #START]
    ldr     lr, [sp, #PIXEL]
    subs    r8, r8, #1
    str     r10, [r11], #4
    str     r11, [sp, #FRAME]
    str     r8, [sp, #GROUPS]
    bne     .Lgroup
    add     sp, sp, #FRAME + 4
    pop     {r4-r11, pc}
    .size   tc_pixel_w1a1, . - tc_pixel_w1a1
    .endm
