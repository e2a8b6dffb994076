/*
 * Multiply-accumulate cores of tc_mixed.h for Cortex-M7: two output channels times two pixels,
 * eight products of each in a step. One macro makes them all; weights differ in how a pair of
 * lanes is taken out of a word: SXTB16 of 8 bits, AND with a rotated word of fewer. Lanes i stand
 * in fields i of a word's halves, which all belong to one channel. An iteration is as many steps
 * as a word holds (of 8 bits, a step is two words), so that of 2 and 1 bit the first iteration is
 * entered where the number of steps asks for; the word's lower fields are then unused.
 *
 * 32 products take 34 to 36 instructions in 17 to 18 cycles, and the loop one or two more. Loads
 * run one step ahead. The unpacking comes first in its pair, as SXTB16 must; loads that issue
 * together go to different banks.
 */
    .syntax unified
    .thumb

#define W    r0
#define A    r1
#define Z    r2
#define M    r3
#define C00  r4
#define C01  r5
#define C10  r6
#define C11  r7
#define U    r8
#define V    r9
#define L0   r10
#define L1   r11
#define X    r12
#define Y    lr

#define END     0  /* of the columns */
#define FIRST   4  /* the first iteration's columns, were it whole */
#define COLUMNS 8
#define SUMS    12
#define START   16
#define SKIPPED 24 /* steps that the first iteration leaves out */
#define BLOCKS   28
#define FRAME   32

    /* Lanes index of a word of weights. */
    .macro UNPACK to, from, index, bits
    .if \bits == 8
    .if (\index) & 1
    sxtb16  \to, \from, ror #8
    .else
    sxtb16  \to, \from
    .endif
    .elseif \bits == 1 && (\index) == 0
    and     \to, M, \from, ror #31
    .elseif \bits*(\index) == (\bits & 1)
    and     \to, M, \from
    .else
    and     \to, M, \from, ror #(\bits*(\index) - (\bits & 1))
    .endif
    .endm

    /*
     * Lanes index: two products of each accumulator, and the loads of the next lanes' activations
     * to X and z. next: the lanes to unpack for the first channel; 0 stands for those of the next
     * word. compare: A with its place in the last iteration; advance: A to its next place.
     */
    .macro LANES index, next, y, z, offset, bits, compare=0, advance=0
    UNPACK  L1, V, \index, \bits
    smlad   C00, L0, X, C00
    smlad   C10, L1, X, C10
    .if (\next) == 0
    ldr     V, [W, #4]
    ldr     U, [W], #8
    .endif
    ldr     \z, [A, #\offset+4]     /* odd: in the other bank than U */
    .if \advance
    ldr     X, [A, #\offset]!
    .else
    ldr     X, [A, #\offset]
    .endif
    smlad   C01, L0, \y, C01
    .if \compare
    smlad   C11, L1, \y, C11
    ldr     \y, [sp, #END]
    UNPACK  L0, U, \next, \bits
    cmp     A, \y
    .else
    UNPACK  L0, U, \next, \bits
    smlad   C11, L1, \y, C11
    .endif
    .endm

    /* Four lanes from first on; next: those after them. Columns start at offset. */
    .macro STEP first, next, offset, bits, last=0
    .if \bits == 8
    LANES   0, 1, Y, Z, \offset+8, \bits
    LANES   1, 0, Z, Y, \offset+16, \bits
    LANES   0, 1, Y, Z, \offset+24, \bits
    LANES   1, 0, Z, Y, \offset+32, \bits, advance=\last
    cmp     A, M
    .else
    LANES   \first, \first+1, Y, Z, \offset+8, \bits
    LANES   \first+1, \first+2, Z, Y, \offset+16, \bits, compare=\last
    LANES   \first+2, \first+3, Y, Z, \offset+24, \bits
    LANES   \first+3, \next, Z, Y, \offset+32, \bits, advance=\last
    .endif
    .endm

    /*
     * const void *tc_dot_n(const void *weights, const uint32_t *columns, int32_t *sums,
     *                      int32_t steps, int32_t blocks, const int32_t *start)
     */
    .macro DOT bits, steps, mask=0
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
    strd    r1, r2, [sp, #COLUMNS]
    add     r8, r1, r3, lsl #5
    .if \bits < 8
    sub     r8, r8, #32 * \steps   /* A is compared before it advances */
    .endif
    rsbs    r9, r3, #0
    and     r9, r9, #\steps - 1
    sub     r10, r1, r9, lsl #5
    strd    r8, r10, [sp, #END]
    strd    r9, r4, [sp, #SKIPPED]
    .if \bits == 8
    mov     M, r8
    .else
    movw    M, #\mask
    movt    M, #\mask
    .endif
.Lblock\bits:
    ldrd    C00, C01, [sp, #START]
    ldrd    A, Z, [sp, #FIRST]
    ldr     V, [W, #4]
    ldr     U, [W], #8
    ldr     X, [Z]
    ldr     Y, [Z, #4]
    mov     C10, C00
    mov     C11, C01
    .if \steps > 1
    ldr     Z, [sp, #SKIPPED]
    cbz     Z, .Lwhole\bits
    .endif
    .if \steps == 4
    cmp     Z, #2
    blo     .Lenter1_\bits
    beq     .Lenter2_\bits
    UNPACK  L0, U, 12, \bits
    b       .Lstep3_\bits
.Lenter2_\bits:
    UNPACK  L0, U, 8, \bits
    b       .Lstep2_\bits
.Lenter1_\bits:
    .endif
    .if \steps > 1
    UNPACK  L0, U, 4, \bits
    b       .Lstep1_\bits
.Lwhole\bits:
    .endif
    UNPACK  L0, U, 0, \bits
    .p2align 3
.Lloop\bits:
    .if \steps == 1
    STEP    0, 0, 0, \bits, last=1
    .elseif \steps == 2
    STEP    0, 4, 0, \bits
.Lstep1_\bits:
    STEP    4, 0, 32, \bits, last=1
    .else
    STEP    0, 4, 0, \bits
.Lstep1_\bits:
    STEP    4, 8, 32, \bits
.Lstep2_\bits:
    STEP    8, 12, 64, \bits
.Lstep3_\bits:
    STEP    12, 0, 96, \bits, last=1
    .endif
    bne     .Lloop\bits
    subs    W, W, #8                /* what was read ahead belongs to the next pair */
    ldr     r2, [sp, #SUMS]
    stmia   r2!, {r4-r7}
    str     r2, [sp, #SUMS]
    ldr     r2, [sp, #BLOCKS]
    subs    r2, r2, #1
    str     r2, [sp, #BLOCKS]
    bne     .Lblock\bits
    add     sp, sp, #FRAME
    pop     {r4-r11, pc}
    .size   tc_dot_\bits, . - tc_dot_\bits
    .endm

    DOT     bits=8, steps=1
    DOT     bits=4, steps=1, mask=0x000F
    DOT     bits=2, steps=2, mask=0x0003
    DOT     bits=1, steps=4, mask=0x0002
