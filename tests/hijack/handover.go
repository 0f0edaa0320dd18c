// SPDX-License-Identifier: BSD-2-Clause

// handover.go - a Go program that a shell starts: it reads a file, writes one, lists a folder, and
// answers on the socket that it was left as descriptor 3, if it was left one.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		conn, err := net.FileConn(os.NewFile(3, "three"))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		buf := make([]byte, 100)
		n, err := conn.Read(buf)
		fmt.Fprintf(conn, "%s of Go %v", buf[:n], err)
		conn.Close()
		return
	}
	text, err := os.ReadFile(os.Args[1])
	fmt.Printf("%q %v\n", text, err)
	fmt.Println(os.WriteFile(os.Args[1]+".copy", text, 0644))
	entries, err := os.ReadDir(".")
	for _, e := range entries {
		fmt.Println(e.Name())
	}
	fmt.Println(err)
}
