package password

import "testing"

// FuzzParse: whatever a row holds, what comes out is within the limits, so that
// no stored text can make a login cost more.
func FuzzParse(f *testing.F) {
	f.Add(Nobody)
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=4294967296,t=,p=-1$$")
	f.Fuzz(func(t *testing.T, phc string) {
		p, err := parse(phc)
		if err != nil {
			return
		}
		if p.memory < 1 || p.memory > maxMemoryKiB || p.passes < 1 || p.passes > maxPasses ||
			p.lanes < 1 || p.lanes > maxLanes || len(p.key) < 16 || len(p.key) > 64 || len(p.salt) < 8 {
			t.Fatalf("%q was taken as %+v", phc, p)
		}
	})
}
