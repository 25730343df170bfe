//go:build !race

package epoll

const raceDetector = false
