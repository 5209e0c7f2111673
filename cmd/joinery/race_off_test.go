//go:build !race

package main

// raced tells that the race detector is on, under which everything takes several times as long.
const raced = false
