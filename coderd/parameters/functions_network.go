package parameters

import (
	"errors"
	"math/big"
	"net/netip"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

var (
	prefixParam  = function.Parameter{Name: "prefix", Type: cty.String}
	newbitsParam = function.Parameter{Name: "newbits", Type: cty.Number}
)

// networkFunctions are Terraform's functions on addresses.
var networkFunctions = map[string]function.Function{
	"cidrhost": function.New(&function.Spec{Params: []function.Parameter{prefixParam, {Name: "hostnum", Type: cty.Number}},
		Type: function.StaticReturnType(cty.String), Impl: cidrHost}),
	"cidrnetmask": function.New(&function.Spec{Params: []function.Parameter{prefixParam},
		Type: function.StaticReturnType(cty.String), Impl: cidrNetmask}),
	"cidrsubnet": function.New(&function.Spec{Params: []function.Parameter{prefixParam, newbitsParam, {Name: "netnum", Type: cty.Number}},
		Type: function.StaticReturnType(cty.String), Impl: cidrSubnet}),
	"cidrsubnets": function.New(&function.Spec{Params: []function.Parameter{prefixParam}, VarParam: &newbitsParam,
		Type: function.StaticReturnType(cty.List(cty.String)), Impl: cidrSubnets}),
}

func parsePrefix(v cty.Value) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(v.AsString())
	if err != nil {
		return p, errors.New("the prefix is not an address range like 10.0.0.0/8")
	}
	return p.Masked(), nil
}

// whole returns a whole number.
func whole(v cty.Value) (*big.Int, error) {
	f := v.AsBigFloat()
	if !f.IsInt() || f.MantExp(nil) > 256 {
		return nil, errors.New("the number is not a whole number of usual size")
	}
	n, _ := f.Int(nil)
	return n, nil
}

// plus adds n to an address; the caller has checked that it fits.
func plus(a netip.Addr, n *big.Int) netip.Addr {
	sum := new(big.Int).Add(new(big.Int).SetBytes(a.AsSlice()), n)
	b := make([]byte, a.BitLen()/8)
	out, _ := netip.AddrFromSlice(sum.FillBytes(b))
	return out
}

func cidrHost(args []cty.Value, _ cty.Type) (cty.Value, error) {
	p, err := parsePrefix(args[0])
	if err != nil {
		return cty.NilVal, err
	}
	n, err := whole(args[1])
	if err != nil {
		return cty.NilVal, err
	}
	count := new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits())) //nolint:gosec // 0 to 128
	if n.Sign() < 0 {
		n = new(big.Int).Add(count, n)
	}
	if n.Sign() < 0 || n.Cmp(count) >= 0 {
		return cty.NilVal, errors.New("the prefix has no such host number")
	}
	return cty.StringVal(plus(p.Addr(), n).String()), nil
}

func cidrNetmask(args []cty.Value, _ cty.Type) (cty.Value, error) {
	p, err := parsePrefix(args[0])
	if err != nil {
		return cty.NilVal, err
	}
	if !p.Addr().Is4() {
		return cty.NilVal, errors.New("only IPv4 has netmasks")
	}
	ones, _ := netip.AddrFrom4([4]byte{255, 255, 255, 255}).Prefix(p.Bits())
	return cty.StringVal(ones.Addr().String()), nil
}

func subnet(p netip.Prefix, newbits, num *big.Int) (netip.Prefix, error) {
	if !newbits.IsInt64() || newbits.Sign() < 0 || newbits.Int64() > int64(p.Addr().BitLen()-p.Bits()) {
		return p, errors.New("the prefix has not that many bits left")
	}
	bits := p.Bits() + int(newbits.Int64())
	if num.Sign() < 0 || num.BitLen() > int(newbits.Int64()) {
		return p, errors.New("the prefix has no such subnet number")
	}
	at := new(big.Int).Lsh(num, uint(p.Addr().BitLen()-bits)) //nolint:gosec // 0 to 128
	return netip.PrefixFrom(plus(p.Addr(), at), bits), nil
}

func cidrSubnet(args []cty.Value, _ cty.Type) (cty.Value, error) {
	p, err := parsePrefix(args[0])
	if err != nil {
		return cty.NilVal, err
	}
	newbits, err := whole(args[1])
	if err != nil {
		return cty.NilVal, err
	}
	num, err := whole(args[2])
	if err != nil {
		return cty.NilVal, err
	}
	out, err := subnet(p, newbits, num)
	return cty.StringVal(out.String()), err
}

func cidrSubnets(args []cty.Value, _ cty.Type) (cty.Value, error) {
	p, err := parsePrefix(args[0])
	if err != nil {
		return cty.NilVal, err
	}
	if len(args) == 1 {
		return cty.ListValEmpty(cty.String), nil
	}
	start := new(big.Int).SetBytes(p.Addr().AsSlice())
	next := new(big.Int).Set(start)
	end := new(big.Int).Add(start, new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits()))) //nolint:gosec // 0 to 128
	var out []cty.Value
	for _, a := range args[1:] {
		newbits, err := whole(a)
		if err != nil {
			return cty.NilVal, err
		}
		if newbits.Sign() <= 0 || !newbits.IsInt64() || newbits.Int64() > int64(p.Addr().BitLen()-p.Bits()) {
			return cty.NilVal, errors.New("the prefix has not that many bits left")
		}
		bits := p.Bits() + int(newbits.Int64())
		size := new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-bits)) //nolint:gosec // 0 to 128
		// A subnet begins at a multiple of its size.
		next.Add(next, size).Sub(next, big.NewInt(1)).Div(next, size).Mul(next, size)
		if new(big.Int).Add(next, size).Cmp(end) > 0 {
			return cty.NilVal, errors.New("the subnets do not fit into the prefix")
		}
		addr := plus(p.Addr(), new(big.Int).Sub(next, start))
		out = append(out, cty.StringVal(netip.PrefixFrom(addr, bits).String()))
		next.Add(next, size)
	}
	return cty.ListVal(out), nil
}
