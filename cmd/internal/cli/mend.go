package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/msgen-dev/msgen/schema/edit"
)

// maxRounds bounds how often mended specs are checked again. Mending a misspelt key can bring to light what stands below it.
const maxRounds = 20

// mend applies the fixes of the findings that count, in rounds until there is nothing left to mend, and returns the specs as they are then and
// what is found in them.
func (o *validateOptions) mend(ctx context.Context, inputs []input, v *validation) ([]input, *validation, error) {
	inputs = slices.Clone(inputs)
	for range maxRounds {
		fixes := edit.Fixes(v.report.Findings)
		changed := false
		for i := range inputs {
			edits := fixes[v.files[i]]
			if len(edits) == 0 {
				continue
			}
			content, err := edit.Apply(v.files[i], edits)
			if err != nil {
				return nil, nil, err
			}
			inputs[i].content, changed = content, true
		}
		if !changed {
			break
		}
		var err error
		if v, err = o.validate(ctx, inputs); err != nil {
			return nil, nil, err
		}
	}
	return inputs, v, nil
}

// printChanges writes what mending has changed as a unified diff.
func (o *validateOptions) printChanges(was, now []input) error {
	for i := range now {
		if _, err := fmt.Fprint(o.Out, edit.Diff(now[i].name, was[i].content, now[i].content)); err != nil {
			return err
		}
	}
	return nil
}

// writeChanges writes the specs that mending has changed, and says which.
func (o *validateOptions) writeChanges(was, now []input) error {
	for i := range now {
		if bytes.Equal(was[i].content, now[i].content) {
			continue
		}
		if err := overwrite(now[i].path, was[i].content, now[i].content); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(o.Err, "mended %s\n", now[i].name)
	}
	return nil
}

// overwrite replaces a file's content in one step, unless somebody has changed it since it was read. It follows links and keeps the mode.
func overwrite(path string, was, now []byte) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	disk, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(disk, was) {
		return fmt.Errorf("%s was changed meanwhile and is left as it is: run the command again", path)
	}
	return replaceFile(path, now, info.Mode().Perm())
}

// replaceFile writes a file in one step: whoever reads it sees the old content or the new.
func replaceFile(path string, content []byte, mode os.FileMode) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	_, err = temp.Write(content)
	err = errors.Join(err, temp.Chmod(mode), temp.Sync(), temp.Close())
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
