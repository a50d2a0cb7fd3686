"""The engine of long runs: calls that end between steps, checkpoints, records, and a way to stop.

job         what a run computes; equal jobs on equal data give the same bits
loop        call by call and epoch by epoch, from any state to the end
records     metrics as JSON lines and TensorBoard events, and where they were made
screen      a progress bar, or lines where there is no terminal
"""
