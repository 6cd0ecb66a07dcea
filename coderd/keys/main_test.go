package keys_test

import (
	"testing"

	"coder.internal/database/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }
