package history

// revoked is how long a deleted token may still work, in microseconds.
const revoked = 2_000_000

// token checks all operations on one token.
func (c *checker) token(name string, ops []Op) {
	made, maybe := of(ops, TokenCreate, OK), of(ops, TokenCreate, Unknown)
	gone, maybeGone := of(ops, TokenDelete, OK), of(ops, TokenDelete, Unknown)
	c.ask(TokenCreate, name, ops)
	if len(made) > 1 {
		c.wrong("token %s was made %d times", name, len(made))
	}
	if len(gone) > 1 {
		c.wrong("token %s was deleted %d times", name, len(gone))
	}
	var there []Token
	for _, t := range c.final.Tokens {
		if t.Name == name {
			there = append(there, t)
		}
	}
	switch n := len(there); {
	case n > 1:
		c.wrong("token %s is there %d times", name, n)
	case n == 1 && len(made)+len(maybe) == 0:
		c.wrong("token %s was refused, and is there", name)
	case n == 1 && len(gone) > 0:
		c.wrong("token %s was deleted, and is there", name)
	case n == 1 && len(made) == 1 && there[0].ID != made[0].ID:
		c.wrong("token %s has the id %s, and was made with %s", name, there[0].ID, made[0].ID)
	case n == 0 && len(made) > 0 && len(gone)+len(maybeGone) == 0:
		c.wrong("token %s was acknowledged, and is lost", name)
	}
	if len(made) == 1 {
		c.tokenEntries(name, made[0].ID, len(there) > 0)
	}
	c.tokenReads(name, ops, made, gone, append(gone, maybeGone...))
}

// tokenEntries compares the audit log with a token that was made.
func (c *checker) tokenEntries(name, id string, there bool) {
	if n := c.entries("create", "api_key", id); n != 1 {
		c.wrong("making token %s has %d entries in the audit log", name, n)
	}
	want := 1
	if there {
		want = 0
	}
	if n := c.entries("delete", "api_key", id); n != want {
		c.wrong("token %s (there in the end: %t) has %d entries of a delete in the audit log", name, there, n)
	}
}

// tokenReads checks what was seen meanwhile. ending are the deletes that may have
// had an effect.
func (c *checker) tokenReads(name string, ops, made, gone, ending []Op) {
	for _, op := range ops {
		exists := endedBefore(made, op.Start) && !startedBefore(ending, op.End)
		switch {
		case op.Do == TokenUse && op.Outcome == OK && endedBefore(gone, op.Start-revoked):
			c.wrong("token %s worked at %d, long after it was deleted", name, op.Start)
		case op.Do == TokenUse && op.Outcome == Failed && exists:
			c.wrong("token %s was refused at %d (%s), and was valid", name, op.Start, op.Code)
		case op.Do == TokenDelete && op.Outcome == Failed && op.Code == NotFound && exists:
			c.wrong("token %s was not found at %d, and nobody had deleted it", name, op.Start)
		case op.Do == AuditRead && op.Outcome == OK && op.Number > 1:
			c.wrong("the audit log had %d entries of making token %s at %d", op.Number, name, op.Start)
		case op.Do == AuditRead && op.Outcome == OK && op.Number == 0 && endedBefore(made, op.Start):
			c.wrong("the audit log had no entry of making token %s at %d, after that was acknowledged", name, op.Start)
		}
	}
}

// strangeTokens finds tokens that nobody asked for, and ones without an entry.
func (c *checker) strangeTokens() {
	for _, t := range c.final.Tokens {
		if _, ok := c.tokens[t.Name]; !ok {
			c.wrong("token %s (%s) is there, and nobody asked for it", t.Name, t.ID)
		}
		if n := c.entries("create", "api_key", t.ID); n != 1 && c.ids[t.ID] == "" {
			c.wrong("making token %s (%s) has %d entries in the audit log", t.Name, t.ID, n)
		}
	}
}
