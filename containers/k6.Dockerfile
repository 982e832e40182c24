# k6, unmodified, with the lab's load script. Built from the root of the tree; pins as in go-api.Dockerfile.
FROM grafana/k6:1.1.0
COPY loadtest/scripts /lab/scripts
USER 12345:12345
STOPSIGNAL SIGKILL
# It waits: a load is started inside by `exec`, so that no start of a container falls into a measurement.
ENTRYPOINT []
CMD ["sleep", "2147483647"]
