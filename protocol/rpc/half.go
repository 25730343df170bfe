package rpc

import "math"

// fromHalf returns the number whose IEEE 754 binary16 form has these bits.
func fromHalf(bits uint16) float64 {
	exponent, mantissa := int(bits>>10&0x1f), float64(bits&0x3ff)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(mantissa, -24)
	case 31:
		if v = math.Inf(1); mantissa != 0 {
			return math.NaN()
		}
	default:
		v = math.Ldexp(1024+mantissa, exponent-25)
	}
	if bits&0x8000 != 0 {
		return math.Copysign(v, -1)
	}
	return v
}

// toHalf returns the binary16 form of f, where f has one without loss.
func toHalf(f float32) (half uint16, exact bool) {
	bits := math.Float32bits(f)
	sign := uint16(bits >> 16 & 0x8000)
	exponent, mantissa := int(bits>>23&0xff)-127, bits&0x7fffff
	switch {
	case bits<<1 == 0: // zero
		return sign, true
	case exponent == 128: // infinity; NaN has a form of its own
		return sign | 0x7c00, mantissa == 0
	case exponent > 15 || exponent < -24:
		return 0, false
	case exponent >= -14:
		return sign | uint16(exponent+15)<<10 | uint16(mantissa>>13), mantissa&0x1fff == 0
	}
	shift := uint(-exponent - 1) // a subnormal: the leading 1 is written out
	mantissa |= 1 << 23
	return sign | uint16(mantissa>>shift), mantissa&(1<<shift-1) == 0
}
