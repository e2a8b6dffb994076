/*
 * Multiply-accumulate cores of tc_mixed.h for Cortex-M4 and M33, which issue one 32-bit instruction
 * a cycle: four output channels times two pixels, 16 products in 16 to 18 cycles, and 6 for each
 * iteration of two steps. Of an odd number of steps the first iteration is entered halfway. Four
 * channels share the loads of activations; all loads of a pair of lanes stand together, as the M4
 * pays one cycle for each run of them.
 *
 * From the lowest bit of each half on, a word of weights holds the first lanes of the four
 * channels, then the next lanes of these, and so on; of 8 bits it holds two channels, of 1 bit it
 * is rotated left by one. Fields are multiplied where they stand, wherever AND with an immediate
 * leaves them: an accumulator is then its sum times a power of two, and starts and ends
 * accordingly.
 */
    .syntax unified
    .thumb

#define W   r0
#define A   r1
#define X   r2
#define Y   r3
#define C00 r4
#define C01 r5
#define C10 r6
#define C11 r7
#define C20 r8
#define C21 r9
#define C30 r10
#define C31 r11
#define U   r12
#define V   lr

#define START   0
#define COLUMNS 8
#define SUMS    12
#define END     16
#define BLOCKS  20
#define SKIPPED 24 /* steps that the first iteration leaves out: 0 or 1 */
#define FRAME   28

/* Loads run 4 and 8 bytes behind W and A, so that the last of an iteration can advance them. */
#define W_LAG 4
#define A_LAG 8

    .macro MULTIPLY first, second, weights
    smlad   \first, \weights, X, \first
    smlad   \second, \weights, Y, \second
    .endm

    /* Word index of an iteration of so many bytes. */
    .macro LOAD_WEIGHTS index, bytes
    .if 4*(\index)+4 == \bytes
    ldr     U, [W, #\bytes]!
    .else
    ldr     U, [W, #4*(\index)+4]
    .endif
    .endm

    .macro LOAD_ACTIVATIONS lanes
    .if \lanes == 7
    ldr     Y, [A, #68]
    ldr     X, [A, #64]!
    .else
    ldr     X, [A, #8*\lanes+8]
    ldr     Y, [A, #8*\lanes+12]
    .endif
    .endm

    .macro LANES8 lanes
    LOAD_WEIGHTS 2*\lanes, 64
    LOAD_ACTIVATIONS \lanes
    sxtb16  V, U
    MULTIPLY C00, C01, V
    sxtb16  U, U, ror #8
    MULTIPLY C10, C11, U
    LOAD_WEIGHTS 2*\lanes+1, 64
    sxtb16  V, U
    MULTIPLY C20, C21, V
    sxtb16  U, U, ror #8
    MULTIPLY C30, C31, U
    .endm

    .macro LANES4 lanes
    LOAD_WEIGHTS \lanes, 32
    LOAD_ACTIVATIONS \lanes
    and     V, U, #0x000F000F
    MULTIPLY C00, C01, V
    and     V, U, #0x00F000F0
    MULTIPLY C10, C11, V
    uxtb16  U, U, ror #8
    and     V, U, #0x000F000F
    MULTIPLY C20, C21, V
    and     V, U, #0x00F000F0
    MULTIPLY C30, C31, V
    .endm

    .macro LANES2 lanes
    .if \lanes & 1
    lsr     U, U, #8
    .else
    LOAD_WEIGHTS \lanes/2, 16
    .endif
    LOAD_ACTIVATIONS \lanes
    and     V, U, #0x00030003
    MULTIPLY C00, C01, V
    and     V, U, #0x000C000C
    MULTIPLY C10, C11, V
    and     V, U, #0x00300030
    MULTIPLY C20, C21, V
    and     V, U, #0x00C000C0
    MULTIPLY C30, C31, V
    .endm

    .macro LANES1 lanes
    .if \lanes & 3
    ror     U, U, #4
    .else
    LOAD_WEIGHTS \lanes/4, 8
    .endif
    LOAD_ACTIVATIONS \lanes
    and     V, U, #0x00020002
    MULTIPLY C00, C01, V
    and     V, U, #0x00040004
    MULTIPLY C10, C11, V
    and     V, U, #0x00080008
    MULTIPLY C20, C21, V
    and     V, U, #0x00100010
    MULTIPLY C30, C31, V
    .endm

    .macro BEGIN first, second, scale
    lsl     \first, X, #\scale
    lsl     \second, Y, #\scale
    .endm

    .macro UNSCALE first, second, scale
    .if \scale
    asr     \first, \first, #\scale
    asr     \second, \second, #\scale
    .endif
    .endm

    /* tc_dot_n: see tc_mixed.h; the channels' sums are scaled by 1 << scale_0 and so on. */
    .macro DOT bits, scale_0, scale_1, scale_2, scale_3
    .section .text.tc_dot_\bits, "ax", %progbits
    .p2align 3
    .global tc_dot_\bits
    .type   tc_dot_\bits, %function
    .thumb_func
tc_dot_\bits:
    push    {r4-r11, lr}
    ldrd    r4, r5, [sp, #36]       /* blocks, start */
    ldrd    r6, r7, [r5]
    sub     sp, sp, #FRAME
    strd    r6, r7, [sp, #START]
    sub     r8, r1, #A_LAG
    add     r5, r8, r3, lsl #5
    and     r9, r3, #1
    sub     r8, r8, r9, lsl #5
    strd    r8, r2, [sp, #COLUMNS]
    strd    r5, r4, [sp, #END]
    str     r9, [sp, #SKIPPED]
    subs    W, W, #W_LAG
.Lblock\bits:
    ldrd    X, Y, [sp, #START]
    ldr     A, [sp, #COLUMNS]
    BEGIN   C00, C01, \scale_0
    BEGIN   C10, C11, \scale_1
    BEGIN   C20, C21, \scale_2
    BEGIN   C30, C31, \scale_3
    ldr     U, [sp, #SKIPPED]
    cmp     U, #0
    beq     .Lloop\bits
    sub     W, W, #4*\bits
    b       .Lsecond\bits
    .p2align 3
.Lloop\bits:
    .irp    lanes, 0, 1, 2, 3
    LANES\bits \lanes
    .endr
.Lsecond\bits:
    .irp    lanes, 4, 5, 6, 7
    LANES\bits \lanes
    .endr
    ldr     U, [sp, #END]
    cmp     A, U
    bne     .Lloop\bits
    UNSCALE C00, C01, \scale_0
    UNSCALE C10, C11, \scale_1
    UNSCALE C20, C21, \scale_2
    UNSCALE C30, C31, \scale_3
    ldr     r2, [sp, #SUMS]
    ldr     r3, [sp, #BLOCKS]
    stmia   r2!, {r4-r11}
    str     r2, [sp, #SUMS]
    subs    r3, r3, #1
    str     r3, [sp, #BLOCKS]
    bne     .Lblock\bits
    adds    W, W, #W_LAG
    add     sp, sp, #FRAME
    pop     {r4-r11, pc}
    .size   tc_dot_\bits, . - tc_dot_\bits
    .endm

    DOT     8, 0, 0, 0, 0
    DOT     4, 0, 4, 0, 4
    DOT     2, 0, 2, 4, 6
    DOT     1, 0, 1, 2, 3
