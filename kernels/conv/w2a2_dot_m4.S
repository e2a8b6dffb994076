/* tc_dot_w2a2 for single-issue cores (M4, M33): the loads of a lane in one run. */
#include "w2a2_dot.h"

/* The last lane of a word of weights. */
    .macro WORD offset
    and     L, M, U, ror #12
    smlad   C0, L, X, C0
    smlad   C1, L, Y, C1
    ldr     U, [W], #4
    ldr     X, [A, #\offset]
    ldr     Y, [A, #\offset + 4]
    .endm

    BEFORE_TWELVES
.Ltwelve:
    FIRST   "", 8
    LANE    4, 16
    LANE    8, 24
    WORD    32
    LANE    0, 40
    LANE    4, 48
    SPLIT
    FIRST   ", ror #8", 56
    WORD    64
    LANE    0, 72
    LANE    4, 80
    LANE    8, 88
    LAST    96
    bne     .Ltwelve
    BEHIND_TWELVES
