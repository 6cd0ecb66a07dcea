package parameters

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"  //nolint:gosec // Terraform has it
	"crypto/sha1" //nolint:gosec // Terraform has it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// ofText makes a function of n texts.
func ofText(n int, to cty.Type, f func(a []string) (cty.Value, error)) function.Function {
	params := make([]function.Parameter, n)
	for i := range params {
		params[i] = function.Parameter{Name: fmt.Sprintf("text%d", i+1), Type: cty.String}
	}
	return function.New(&function.Spec{Params: params, Type: function.StaticReturnType(to),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			texts := make([]string, n)
			for i, a := range args {
				texts[i] = a.AsString()
			}
			return f(texts)
		}})
}

// mapText makes a function from text to text.
func mapText(f func(string) string) function.Function {
	return ofText(1, cty.String, func(a []string) (cty.Value, error) { return cty.StringVal(f(a[0])), nil })
}

func testText(f func(a, b string) bool) function.Function {
	return ofText(2, cty.Bool, func(a []string) (cty.Value, error) { return cty.BoolVal(f(a[0], a[1])), nil })
}

// textFunctions are Terraform's functions on texts that go-cty does not have.
var textFunctions = map[string]function.Function{
	"base64decode": ofText(1, cty.String, func(a []string) (cty.Value, error) {
		b, err := base64.StdEncoding.DecodeString(a[0])
		if err != nil {
			return cty.NilVal, errors.New("the text is not base64")
		}
		if !utf8.Valid(b) {
			return cty.NilVal, errors.New("the decoded bytes are not UTF-8 text")
		}
		return cty.StringVal(string(b)), nil
	}),
	"base64encode": mapText(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
	"base64gzip": ofText(1, cty.String, func(a []string) (cty.Value, error) {
		var buf bytes.Buffer
		w := gzip.NewWriter(&buf)
		if _, err := w.Write([]byte(a[0])); err != nil {
			return cty.NilVal, err
		}
		if err := w.Close(); err != nil {
			return cty.NilVal, err
		}
		return cty.StringVal(base64.StdEncoding.EncodeToString(buf.Bytes())), nil
	}),
	"base64sha256": mapText(func(s string) string {
		h := sha256.Sum256([]byte(s))
		return base64.StdEncoding.EncodeToString(h[:])
	}),
	"base64sha512": mapText(func(s string) string {
		h := sha512.Sum512([]byte(s))
		return base64.StdEncoding.EncodeToString(h[:])
	}),
	"md5":        mapText(func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) }),  //nolint:gosec // see above
	"sha1":       mapText(func(s string) string { h := sha1.Sum([]byte(s)); return hex.EncodeToString(h[:]) }), //nolint:gosec // see above
	"sha256":     mapText(func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }),
	"sha512":     mapText(func(s string) string { h := sha512.Sum512([]byte(s)); return hex.EncodeToString(h[:]) }),
	"urlencode":  mapText(url.QueryEscape),
	"basename":   mapText(filepath.Base),
	"dirname":    mapText(filepath.Dir),
	"startswith": testText(strings.HasPrefix), "endswith": testText(strings.HasSuffix), "strcontains": testText(strings.Contains),
	"timecmp": ofText(2, cty.Number, func(a []string) (cty.Value, error) {
		x, err := time.Parse(time.RFC3339, a[0])
		y, err2 := time.Parse(time.RFC3339, a[1])
		if err != nil || err2 != nil {
			return cty.NilVal, errors.New("timestamps look like 2026-01-31T15:04:05Z")
		}
		return cty.NumberIntVal(int64(x.Compare(y))), nil
	}),
	"uuidv5": ofText(2, cty.String, func(a []string) (cty.Value, error) {
		space, ok := map[string]uuid.UUID{"dns": uuid.NameSpaceDNS, "url": uuid.NameSpaceURL, "oid": uuid.NameSpaceOID,
			"x500": uuid.NameSpaceX500}[a[0]]
		if !ok {
			var err error
			if space, err = uuid.Parse(a[0]); err != nil {
				return cty.NilVal, errors.New("the namespace is dns, url, oid, x500 or a UUID")
			}
		}
		return cty.StringVal(uuid.NewSHA1(space, []byte(a[1])).String()), nil
	}),
}
