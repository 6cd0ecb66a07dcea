package terraform_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/provisionerd/terraform"
)

func TestFind(t *testing.T) {
	t.Parallel()
	bin, err := terraform.Find(t.Context(), terraform.FindOptions{})
	require.NoError(t, err)
	require.Equal(t, "PATH", bin.Source)

	bin, err = terraform.Find(t.Context(), terraform.FindOptions{Path: bin.Path})
	require.NoError(t, err)
	require.Equal(t, "option", bin.Source)
	require.NotEmpty(t, bin.Version)

	old := filepath.Join(t.TempDir(), "terraform")
	require.NoError(t, os.WriteFile(old, []byte("#!/bin/sh\necho '{\"terraform_version\":\"1.0.11\"}'\n"), 0o700))
	_, err = terraform.Find(t.Context(), terraform.FindOptions{Path: old})
	require.Equal(t, api.CodeUnavailable, api.CodeOf(err))
	require.ErrorContains(t, err, "older than 1.1.0")
	require.ErrorContains(t, err, "Install Terraform")
}
