package compat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/number"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
)

// Past is a system as git has it at some ref.
type Past struct {
	// Ref is the ref as it was asked for.
	Ref  string
	Spec *schema.Spec // its file is named spec@ref
	// Protos are the contract-first files by the path that the spec gives.
	Protos map[string][]byte
	// Numbers are those of the lock beside the spec; empty when there was none.
	Numbers number.Table
}

// At reads the spec at specPath, the .proto files that it names and the lock beside it, as they were at ref: a branch, a tag, a commit or
// anything else that git knows to be one. The program git must be there. Errors say what is missing: the repository, the ref, or a file at
// that ref; a spec that had errors then is one, too.
func At(ctx context.Context, specPath, ref string) (*Past, error) {
	if err := checkRef(ref); err != nil {
		return nil, err
	}
	// Git knows files by where they are, not by the links that lead there.
	dir, err := filepath.EvalSymlinks(filepath.Dir(specPath))
	if err != nil {
		return nil, err
	}
	repo := git{dir: dir}
	if _, err := repo.run(ctx, "rev-parse", "--git-dir"); err != nil {
		return nil, fmt.Errorf("%s is in no git repository: %w", filepath.ToSlash(filepath.Dir(specPath)), err)
	}
	out, err := repo.run(ctx, "rev-parse", "--verify", "--quiet", ref+"^{commit}")
	if err != nil {
		return nil, fmt.Errorf("git knows no commit %q here: fetch it first (a shallow clone, as CI makes, has only its own branch)", ref)
	}
	repo.commit = strings.TrimSpace(string(out))

	past := &Past{Ref: ref, Protos: map[string][]byte{}, Numbers: number.Table{}}
	name := filepath.Base(specPath)
	content, ok, err := repo.file(ctx, name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%s was not there at %s: compare with a ref that has it", filepath.ToSlash(specPath), ref)
	}
	shown := filepath.ToSlash(specPath) + "@" + ref
	spec, findings := schema.Load(shown, content)
	if err := sound(shown, spec, findings); err != nil {
		return nil, err
	}
	past.Spec = spec
	for _, s := range spec.Services {
		if s.Proto.V == "" {
			continue
		}
		local := path.Clean(s.Proto.V)
		if !filepath.IsLocal(filepath.FromSlash(local)) {
			return nil, fmt.Errorf("%s: %s is outside the spec's folder", s.Proto.Span, s.Proto.V)
		}
		content, ok, err := repo.file(ctx, local)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("%s: %s was not there at %s", s.Proto.Span, s.Proto.V, ref)
		}
		past.Protos[s.Proto.V] = content
	}
	content, ok, err = repo.file(ctx, lock.Name)
	if err != nil {
		return nil, err
	}
	if ok {
		file, err := lock.Parse(content)
		if err != nil {
			return nil, fmt.Errorf("at %s: %w", ref, err)
		}
		past.Numbers = file.Numbers
	}
	return past, nil
}

// checkRef refuses what git would take for an option, and what cannot be a ref.
func checkRef(ref string) error {
	switch {
	case ref == "":
		return errors.New("the git ref is empty: name a branch, a tag or a commit")
	case strings.HasPrefix(ref, "-"):
		return fmt.Errorf("%q is no git ref: a ref does not begin with a dash", ref)
	case strings.ContainsFunc(ref, func(r rune) bool { return unicode.IsControl(r) || r == ' ' || r == ':' }):
		return fmt.Errorf("%q is no git ref: name a branch, a tag or a commit", ref)
	}
	return nil
}

// sound reports that contracts can be made of a spec: it decodes, and breaks no rule that generated code would not survive.
func sound(name string, spec *schema.Spec, findings diag.List) error {
	if spec != nil && !findings.HasErrors() {
		for _, d := range rule.Run(spec) {
			if r, ok := rule.Get(d.ID); ok && !r.Policy() {
				findings = append(findings, d)
			}
		}
	}
	if findings.HasErrors() {
		return thenFaulty(name, findings)
	}
	return nil
}

// thenFaulty is the error for an older state with errors: the first of them.
func thenFaulty(name string, findings diag.List) error {
	for i := range findings {
		if d := &findings[i]; d.Severity == diag.Error {
			if !d.Primary.Span.IsZero() {
				name = d.Primary.Span.String()
			}
			return fmt.Errorf("%s: it had errors at that ref: %s; compare with a ref that has none", name, d.Message)
		}
	}
	return fmt.Errorf("%s cannot be read", name)
}

// git runs the program in one folder.
type git struct{ dir, commit string }

// file is a file at the commit, by its path from the folder; ok is false when there was none.
func (g git) file(ctx context.Context, name string) (content []byte, ok bool, err error) {
	out, err := g.run(ctx, "ls-tree", "-z", g.commit, "--", "./"+name)
	if err != nil {
		return nil, false, err
	}
	// <mode> SP blob SP <id> TAB <path> NUL
	fields := strings.Fields(string(out))
	if len(fields) < 3 || fields[1] != "blob" {
		return nil, false, nil
	}
	if fields[0] == "120000" {
		return nil, false, fmt.Errorf("%s was a symbolic link at that ref: only plain files are compared", name)
	}
	content, err = g.run(ctx, "cat-file", "blob", fields[2])
	return content, err == nil, err
}

func (g git) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = g.dir
	// A hook runs with variables that point at its repository and index; here the folder decides.
	for _, v := range os.Environ() {
		switch name, _, _ := strings.Cut(v, "="); name {
		case "GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX":
		default:
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("the program git is needed to read an older state, and it is not there")
		}
		if text := strings.TrimSpace(stderr.String()); text != "" {
			return nil, fmt.Errorf("git %s: %s", args[0], text)
		}
		return nil, fmt.Errorf("git %s: %w", args[0], err)
	}
	return out, nil
}

// Against compares the spec at specPath with its own state at ref. spec is the one of now, decoded and without errors; protos are the
// contract-first files that it names. The lock beside it gives its numbers, and the lock of then those of then. The list is what the change
// breaks, or the faults of the contracts of now when they have any; the error is about reading git, the lock, or the state of then.
func Against(ctx context.Context, specPath, ref string, spec *schema.Spec, protos map[string][]byte) (diag.List, error) {
	past, err := At(ctx, specPath, ref)
	if err != nil {
		return nil, err
	}
	file, err := lock.Read(filepath.Join(filepath.Dir(specPath), lock.Name))
	if err != nil {
		return nil, err
	}
	old, faults, err := NewSide(ctx, past.Spec, past.Protos, past.Numbers, "@"+ref)
	if err != nil {
		return nil, fmt.Errorf("the contracts at %s: %w", ref, err)
	}
	if old == nil {
		return nil, thenFaulty(past.Spec.File.Name, faults)
	}
	if _, clashes := generator.NewRenames(spec, protos, file); clashes.HasErrors() { // the numbers follow names that generate has still to move
		return clashes, nil
	}
	now, faults, err := NewSide(ctx, spec, protos, file.Numbers, "")
	if err != nil {
		return nil, err
	}
	if now == nil {
		return faults, nil
	}
	return Compare(old, now), nil
}
