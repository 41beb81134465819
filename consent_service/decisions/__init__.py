"""May recipient R use data D of person P for purpose X, now? One, a batch; each answer logged."""
