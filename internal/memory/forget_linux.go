package memory

import (
	"os"
	"syscall"
	"unsafe"
)

// Forget takes what was read of a file that the program embeds out of its
// memory; it is read from the program's file again when it is needed. It works on
// the pages that text covers whole. Any other text would be lost.
func Forget(text string) {
	page := uintptr(os.Getpagesize())
	at := uintptr(unsafe.Pointer(unsafe.StringData(text)))
	skip := (page - at%page) % page
	if uintptr(len(text)) < skip+page {
		return
	}
	size := (uintptr(len(text)) - skip) / page * page
	whole := unsafe.Slice(unsafe.StringData(text[skip:]), size)
	_ = syscall.Madvise(whole, syscall.MADV_DONTNEED) // an economy only
}
