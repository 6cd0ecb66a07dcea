package history

import "slices"

// workspace checks all operations on one workspace.
func (c *checker) workspace(name string, ops []Op) {
	made, maybe := of(ops, WorkspaceCreate, OK), of(ops, WorkspaceCreate, Unknown)
	c.ask(WorkspaceCreate, name, ops)
	if len(made) > 1 {
		c.wrong("workspace %s was made %d times", name, len(made))
	}
	ids := idsOf(ops)
	if len(ids) > 1 {
		c.wrong("workspace %s was made %d times, with the ids %v", name, len(ids), ids)
	}
	there := c.lives(name, ids)
	if there != nil && len(made)+len(maybe) == 0 {
		c.wrong("workspace %s was refused, and is there", name)
	}
	if there == nil && len(made) > 0 && !mayBeDeleted(ops) {
		c.wrong("workspace %s was acknowledged, and is lost", name)
	}
	if there != nil {
		c.name(*there, name, ops)
		c.builds(*there, name, ops)
	}
	for _, id := range ids {
		if n := c.entries("create", "workspace", id); n != 1 {
			c.wrong("making workspace %s has %d entries in the audit log", name, n)
		}
		least := len(of(ops, WorkspaceRename, OK))
		most := least + len(of(ops, WorkspaceRename, Unknown))
		if n := c.entries("write", "workspace", id); n < least || n > most {
			c.wrong("%d to %d renames of workspace %s have %d entries in the audit log", least, most, name, n)
		}
	}
	c.buildEntries(name, ops)
	c.workspaceReads(name, ops)
}

// idsOf lists the different ids that ops have for their workspace.
func idsOf(ops []Op) []string {
	var ids []string
	for _, op := range ops {
		if op.ID != "" && !slices.Contains(ids, op.ID) {
			ids = append(ids, op.ID)
		}
	}
	return ids
}

// lives finds the workspace in the end: by its id, or by its first name when no
// answer told the id.
func (c *checker) lives(name string, ids []string) *Workspace {
	for i, w := range c.final.Workspaces {
		if slices.Contains(ids, w.ID) || len(ids) == 0 && w.Name == name {
			return &c.final.Workspaces[i]
		}
	}
	return nil
}

func mayBeDeleted(ops []Op) bool {
	return slices.ContainsFunc(ops, func(op Op) bool { return deletes(op) && op.Outcome != Failed })
}

func deletes(op Op) bool { return op.Do == BuildCreate && op.Value == "delete" }

// name checks what the workspace is called: as the last rename that was
// acknowledged says, or any whose end is unknown.
func (c *checker) name(w Workspace, first string, ops []Op) {
	last := first
	var allowed []string
	for _, op := range ops {
		switch {
		case op.Do != WorkspaceRename:
		case op.Outcome == OK:
			last = op.Value
		case op.Outcome == Unknown:
			allowed = append(allowed, op.Value)
		}
	}
	if w.Name != last && !slices.Contains(allowed, w.Name) {
		c.wrong("workspace %s is called %s, and not %s", first, w.Name, last)
	}
}

// builds checks the list of builds.
func (c *checker) builds(w Workspace, name string, ops []Op) {
	byID, most := map[string]Build{}, map[string]int{"start": 1} // the first comes with the workspace
	for _, b := range w.Builds {
		byID[b.ID] = b
	}
	numbers := make([]int, 0, len(w.Builds))
	for _, b := range w.Builds {
		numbers = append(numbers, b.Number)
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		if n != i+1 {
			c.wrong("the builds of workspace %s have the numbers %v", name, numbers)
			break
		}
	}
	for _, op := range ops {
		if op.Do != BuildCreate || op.Outcome == Failed {
			continue
		}
		most[op.Value]++
		if op.Outcome != OK {
			continue
		}
		switch b, ok := byID[op.Build]; {
		case !ok:
			c.wrong("build %d of workspace %s was acknowledged, and is lost", op.Number, name)
		case b.Number != op.Number || b.Transition != op.Value:
			c.wrong("build %s of workspace %s is number %d (%s), and was acknowledged as %d (%s)", op.Build, name, b.Number, b.Transition, op.Number, op.Value)
		}
	}
	have := map[string]int{}
	for _, b := range w.Builds {
		have[b.Transition]++
		want := 1
		if b.Number == 1 {
			want = 0 // the entry of the workspace is its own
		}
		if n := c.entries(b.Transition, "workspace_build", b.ID); n != want {
			c.wrong("build %d of workspace %s has %d entries in the audit log", b.Number, name, n)
		}
	}
	for _, t := range sorted(have) {
		if have[t] > most[t] {
			c.wrong("workspace %s has %d builds of %s, and %d were asked for", name, have[t], t, most[t])
		}
	}
}

// buildEntries checks that what was acknowledged is in the audit log, also of
// workspaces that are gone.
func (c *checker) buildEntries(name string, ops []Op) {
	for _, op := range of(ops, BuildCreate, OK) {
		if n := c.entries(op.Value, "workspace_build", op.Build); n != 1 {
			c.wrong("asking for build %d of workspace %s has %d entries in the audit log", op.Number, name, n)
		}
	}
}

// workspaceReads checks what was seen meanwhile.
func (c *checker) workspaceReads(name string, ops []Op) {
	newest := 0
	for _, op := range ops {
		if op.Do == BuildCreate && op.Outcome == OK {
			if op.Number <= newest {
				c.wrong("build %d of workspace %s was acknowledged after build %d", op.Number, name, newest)
			}
			newest = op.Number
		}
		if op.Do != WorkspaceRead {
			continue
		}
		before := slices.DeleteFunc(slices.Clone(ops), func(o Op) bool { return o.Start >= op.End })
		switch {
		case op.Outcome == OK && op.Number < newest:
			c.wrong("workspace %s showed build %d at %d, after build %d was acknowledged", name, op.Number, op.Start, newest)
		case op.Outcome == Failed && op.Code == NotFound && endedBefore(of(ops, WorkspaceCreate, OK), op.Start) && !mayBeDeleted(before):
			c.wrong("workspace %s was not found at %d", name, op.Start)
		}
	}
}

// strangeWorkspaces finds workspaces that nobody asked for, and names that two have.
func (c *checker) strangeWorkspaces() {
	names := map[string]int{}
	for _, w := range c.final.Workspaces {
		names[w.Name]++
		if names[w.Name] == 2 {
			c.wrong("two workspaces are called %s", w.Name)
		}
		if _, ok := c.workspaces[w.Name]; !ok && c.ids[w.ID] == "" {
			c.wrong("workspace %s (%s) is there, and nobody asked for it", w.Name, w.ID)
		}
	}
}

// strangeEntries finds entries of the audit log about tokens and workspaces beyond
// those that the history can explain.
func (c *checker) strangeEntries() {
	maybe := map[string]int{"api_key": 0, "workspace": 0}
	for _, ops := range c.tokens {
		if len(of(ops, TokenCreate, OK)) == 0 && len(of(ops, TokenCreate, Unknown)) > 0 {
			maybe["api_key"]++
		}
	}
	for _, ops := range c.workspaces {
		if len(idsOf(ops)) == 0 && len(of(ops, WorkspaceCreate, Unknown)) > 0 {
			maybe["workspace"]++
		}
	}
	have := map[string]int{}
	for e, n := range c.audit {
		if e.Action == "create" && c.ids[e.ID+e.Target] == "" {
			have[e.Type] += n
		}
	}
	for _, kind := range sorted(maybe) {
		if have[kind] > maybe[kind] {
			c.wrong("the audit log says that %d of type %s were made which no answer named; %d may have been", have[kind], kind, maybe[kind])
		}
	}
}
