package samples

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
)

// WriteFile writes the rows to path so that path holds either a complete file or what it held before: the file is
// written under a temporary name in the same folder, synced, and renamed.
func WriteFile(path string, s *Store, k6Version string) error {
	folder := filepath.Dir(path)
	file, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("cannot create a file in %s: %w", folder, err)
	}
	temporary := file.Name()
	if err := fill(file, s, k6Version); err != nil {
		_ = file.Close()
		_ = os.Remove(temporary)
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		_ = os.Remove(temporary)
		return fmt.Errorf("cannot put the finished file in place: %w", err)
	}
	if err := syncFolder(folder); err != nil {
		return fmt.Errorf("cannot sync the folder of %s: %w", path, err)
	}
	return nil
}

func fill(file *os.File, s *Store, k6Version string) error {
	buffered := bufio.NewWriterSize(file, 1<<20)
	if err := Encode(buffered, s, k6Version); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if err := file.Chmod(0o644); err != nil { // CreateTemp makes it readable by the owner alone
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return file.Close()
}

// syncFolder makes the rename itself survive a crash of the machine.
func syncFolder(folder string) error {
	handle, err := os.Open(folder)
	if err != nil {
		return err
	}
	if err := handle.Sync(); err != nil {
		_ = handle.Close()
		return err
	}
	return handle.Close()
}
