package workspaces

import (
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/database"
)

// TestIsAll: whatever narrows a list keeps it from the statement that reads all, also
// fields that come to the parameters later.
func TestIsAll(t *testing.T) {
	t.Parallel()
	all := database.SearchWorkspacesParams{Everything: true, Anything: true, Named: []api.ID{}, Orgs: []api.ID{api.NewID()}, OwnerFilter: api.NewID(), MemberOf: []api.ID{},
		AtLarge: true, SharedIn: []api.ID{}, Entries: []string{"x"}, MaxRows: 25, SkipRows: 5}
	require.True(t, isAll(all))
	widening := []string{"Named", "Orgs", "OwnerFilter", "MemberOf", "AtLarge", "SharedIn", "Entries", "MaxRows", "SkipRows"}
	for i := range reflect.TypeFor[database.SearchWorkspacesParams]().NumField() {
		p := all
		f := reflect.ValueOf(&p).Elem().Field(i)
		name := reflect.TypeFor[database.SearchWorkspacesParams]().Field(i).Name
		if name == "Everything" || name == "Anything" || slices.Contains(widening, name) {
			continue
		}
		switch f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		default:
			t.Fatalf("%s: say here whether it narrows a list", name)
		}
		assert.False(t, isAll(p), name)
	}
	shown, named := all, all
	shown.Everything = false
	assert.False(t, isAll(shown))
	named.Anything = false
	assert.False(t, isAll(named), "a token that names what it may read")
}
