"""Mnemonics of the Cortex-M instruction sets, by class."""

from thumbclock.isa.instruction import Kind

__all__ = ["ACCESS_BYTES", "KINDS"]


def _table() -> dict[str, Kind]:
    by_kind: dict[Kind, str] = {
        Kind.ALU: "adc add addw adr and bic eor neg orn orr rsb sbc sub subw",
        Kind.MOVE: "mov mvn",
        Kind.SHIFT: "asr lsl lsr ror rrx",
        Kind.COMPARE: "cmn cmp teq tst",
        Kind.MOVE_WIDE: "movt movw",
        Kind.BITFIELD: "bfc bfi sbfx ubfx",
        Kind.EXTEND: "sxtb sxtb16 sxth uxtb uxtb16 uxth",
        Kind.EXTEND_ADD: "sxtab sxtab16 sxtah uxtab uxtab16 uxtah",
        Kind.REVERSE: "rbit rev rev16 revsh",
        Kind.CLZ: "clz",
        Kind.PACK: "pkhbt pkhtb",
        Kind.DSP: (
            "qadd qadd16 qadd8 qasx qdadd qdsub qsax qsub qsub16 qsub8 sadd16 sadd8 sasx sel "
            "shadd16 shadd8 shasx shsax shsub16 shsub8 ssat ssat16 ssax ssub16 ssub8 uadd16 "
            "uadd8 uasx uhadd16 uhadd8 uhasx uhsax uhsub16 uhsub8 uqadd16 uqadd8 uqasx uqsax "
            "uqsub16 uqsub8 usat usat16 usax usub16 usub8"
        ),
        Kind.MULTIPLY: (
            "mul smmul smmulr smuad smuadx smulbb smulbt smultb smultt smulwb smulwt smusd "
            "smusdx usad8"
        ),
        Kind.MULTIPLY_ACCUMULATE: (
            "mla mls smlabb smlabt smlad smladx smlatb smlatt smlawb smlawt smlsd smlsdx smmla "
            "smmlar smmls smmlsr usada8"
        ),
        Kind.MULTIPLY_LONG: "smull umull",
        Kind.MULTIPLY_ACCUMULATE_LONG: (
            "smlal smlalbb smlalbt smlald smlaldx smlaltb smlaltt smlsld smlsldx umaal umlal"
        ),
        Kind.DIVIDE: "sdiv udiv",
        Kind.LOAD: "ldr ldrb ldrbt ldrh ldrht ldrsb ldrsbt ldrsh ldrsht ldrt",
        Kind.STORE: "stl stlb stlh str strb strbt strh strht strt",
        Kind.LOAD_DUAL: "ldrd",
        Kind.STORE_DUAL: "strd",
        Kind.LOAD_MULTIPLE: "ldm ldmdb pop",
        Kind.STORE_MULTIPLE: "push stm stmdb",
        Kind.LOAD_EXCLUSIVE: "ldrex ldrexb ldrexh lda ldab ldah ldaex ldaexb ldaexh",
        Kind.STORE_EXCLUSIVE: "strex strexb strexh stlex stlexb stlexh",
        Kind.PRELOAD: "pld pldw pli",
        Kind.BRANCH: "b bl blx bx cbnz cbz",
        Kind.TABLE_BRANCH: "tbb tbh",
        Kind.IT: "it",
        Kind.NOP: "nop",
        Kind.HINT: "sev wfe wfi yield hint dbg csdb sg",
        Kind.BARRIER: "dmb dsb isb clrex",
        Kind.SYSTEM: "cps mrs msr tt tta ttat ttt",
        Kind.SUPERVISOR_CALL: "svc",
        Kind.BREAKPOINT: "bkpt",
        Kind.FP_ADD: "vabs vadd vmaxnm vminnm vneg vsel vsub",
        Kind.FP_COMPARE: "vcmp vcmpe",
        Kind.FP_CONVERT: (
            "vcvt vcvta vcvtb vcvtm vcvtn vcvtp vcvtr vcvtt vrinta vrintm vrintn vrintp vrintr "
            "vrintx vrintz"
        ),
        Kind.FP_MULTIPLY: "vmul vnmul",
        Kind.FP_MULTIPLY_ACCUMULATE: "vmla vmls vnmla vnmls",
        Kind.FP_FUSED: "vfma vfms vfnma vfnms",
        Kind.FP_DIVIDE: "vdiv",
        Kind.FP_SQRT: "vsqrt",
        Kind.FP_MOVE: "vmov",
        Kind.FP_MOVE_IMMEDIATE: "fconstd fconsts",
        Kind.FP_STATUS: "fmstat vmrs vmsr",
        Kind.FP_LOAD: "vldr",
        Kind.FP_STORE: "vstr",
        Kind.FP_LOAD_MULTIPLE: "vldmdb vldmia vpop",
        Kind.FP_STORE_MULTIPLE: "vpush vstmdb vstmia",
        Kind.UNDEFINED: "udf",
    }
    return {name: kind for kind, names in by_kind.items() for name in names.split()}


def _sizes(names: str, size_bytes: int) -> dict[str, int]:
    return dict.fromkeys(names.split(), size_bytes)


KINDS: dict[str, Kind] = _table()

ACCESS_BYTES: dict[str, int] = {
    **_sizes("ldrb ldrbt ldrsb ldrsbt strb strbt ldrexb strexb tbb ldab ldaexb stlb stlexb", 1),
    **_sizes("ldrh ldrht ldrsh ldrsht strh strht ldrexh strexh tbh ldah ldaexh stlh stlexh", 2),
}
