package main

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"

	"coder.internal/scripts/bench/deploy"
	"coder.internal/scripts/bench/plain"
)

const blockDirect = "CODER_BLOCK_DIRECT=true"

// relayOnly measures a deployment that blocks direct connections beside a bare pair
// on a stock relay, and then, with the same far node, the deployment that was
// started again and allows them, beside a bare pair that is direct.
func (b *bench) relayOnly(ctx context.Context) (err error) {
	dir, err := b.sub("relayonly")
	if err != nil {
		return err
	}
	server, err := deploy.Start(ctx, b.binary, filepath.Join(dir, "server"), blockDirect)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	c, err := deploy.Login(ctx, b.binary, filepath.Join(dir, "person"), server.URL, rand.Text())
	if err != nil {
		return err
	}
	tokens, err := b.spareTokens(ctx, c, 1)
	if err != nil {
		return err
	}
	relay, err := plain.StartRelay(ctx, b.derper, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, relay.Stop()) }()
	ours, err := b.ourNodes(ctx, c, server, tokens[0], "-relayed")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.stop()) }()
	if err := b.besideBare(ctx, ours, relay, "direct blocked for all", relayedSize, atLeastTimes(3), onRelay...); err != nil {
		return err
	}
	if err := server.Stop(); err != nil {
		return err
	}
	again, err := server.Again(ctx, b.binary)
	if err != nil {
		return err
	}
	server = again
	ours.near, ours.watch = nil, server.Pid()
	return b.besideBare(ctx, ours, relay, "direct allowed again", directSize, atLeastTimes(0.95))
}
