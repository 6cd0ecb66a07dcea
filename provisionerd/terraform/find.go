package terraform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	hcversion "github.com/hashicorp/go-version"
	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"

	"coder.internal/api"
)

// Versions: the oldest that is accepted, and the one that is fetched where there
// is none.
const (
	oldestVersion = "1.1.0"
	fetchVersion  = "1.14.5"
)

// Binary is a terraform that can be used.
type Binary struct {
	Path    string
	Version string
	Source  string // "option", "PATH" or "downloaded", for the log
}

// FindOptions says where to look.
type FindOptions struct {
	Path     string // set by the operator; nothing else is tried then
	CacheDir string // where a downloaded one is kept
	Download bool   // whether to fetch one from releases.hashicorp.com
}

// Find returns the terraform to use: the configured one, else the one on PATH,
// else one fetched by hc-install. It may block for the length of a download. Its
// error is an *api.Error that says what to install.
func Find(ctx context.Context, opts FindOptions) (Binary, error) {
	if opts.Path != "" {
		v, err := checkVersion(ctx, opts.Path)
		if err != nil {
			return Binary{}, missing(fmt.Sprintf("The configured terraform %s cannot be used.", opts.Path), err)
		}
		return Binary{Path: opts.Path, Version: v, Source: "option"}, nil
	}
	path, pathErr := exec.LookPath("terraform")
	if pathErr == nil {
		v, err := checkVersion(ctx, path)
		if err == nil {
			return Binary{Path: path, Version: v, Source: "PATH"}, nil
		}
		pathErr = err
	}
	if !opts.Download || opts.CacheDir == "" {
		return Binary{}, missing("No usable terraform was found on PATH.", pathErr)
	}
	path, err := download(ctx, filepath.Join(opts.CacheDir, "terraform"))
	if err != nil {
		return Binary{}, missing("No usable terraform was found on PATH, and it could not be downloaded.",
			fmt.Errorf("%w; %w", pathErr, err))
	}
	return Binary{Path: path, Version: fetchVersion, Source: "downloaded"}, nil
}

func missing(message string, cause error) error {
	return &api.Error{Code: api.CodeUnavailable,
		Message: message + " Install Terraform " + oldestVersion +
			" or newer (https://developer.hashicorp.com/terraform/install) and put it on the PATH of the provisioner.",
		Detail: cause.Error()}
}

// checkVersion runs `terraform version` and returns what it says.
func checkVersion(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "version", "-json")
	cmd.Env = []string{"CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE=" + os.DevNull}
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run %s version: %w", path, err)
	}
	var parsed struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal(out, &parsed); err != nil {
		return "", fmt.Errorf("read the version of %s: %w", path, err)
	}
	v, err := hcversion.NewVersion(parsed.Version)
	if err != nil {
		return "", fmt.Errorf("read the version of %s: %w", path, err)
	}
	if v.Core().LessThan(hcversion.Must(hcversion.NewVersion(oldestVersion))) {
		return "", fmt.Errorf("%s is version %s, older than %s", path, v, oldestVersion)
	}
	return v.String(), nil
}

// download keeps one terraform in dir and returns its path.
func download(ctx context.Context, dir string) (string, error) {
	dir = filepath.Join(dir, fetchVersion)
	path := filepath.Join(dir, "terraform")
	if _, err := checkVersion(ctx, path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make directory: %w", err)
	}
	if err := reachable(ctx); err != nil {
		return "", fmt.Errorf("download terraform %s: %w", fetchVersion, err)
	}
	path, err := (&releases.ExactVersion{Product: product.Terraform, InstallDir: dir, Timeout: 2 * time.Minute,
		Version: hcversion.Must(hcversion.NewVersion(fetchVersion))}).Install(ctx)
	if err != nil {
		return "", fmt.Errorf("download terraform %s: %w", fetchVersion, err)
	}
	return path, nil
}

// reachTimeout bounds the question whether there is a network at all, so that a
// server without one says what is missing at once.
const reachTimeout = 4 * time.Second

// reachable asks the host of the releases for one small answer.
func reachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, "https://releases.hashicorp.com/terraform/"+fetchVersion+"/", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}
