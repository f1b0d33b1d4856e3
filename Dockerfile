# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The stage of `comity demo` is left out: simulators have no place beside customers.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --no-default-features \
    && cp target/release/comity /comity

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 comity \
    && useradd --system --uid 10001 --gid comity --home-dir /var/lib/comity --create-home --shell /usr/sbin/nologin comity
COPY --from=build /comity /usr/local/bin/comity
COPY LICENSE /usr/share/doc/comity/LICENSE
USER 10001:10001
# Relative paths of the settings start here; the default SQLite database is comity-data/ below it.
WORKDIR /var/lib/comity
VOLUME /var/lib/comity
# The private listener (metrics, readiness) stays on the container's own loopback address unless the settings say else.
ENV COMITY_SERVER__LISTEN=0.0.0.0:8080 \
    COMITY_LOG__FORMAT=json
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["comity", "health"]
ENTRYPOINT ["comity"]
CMD ["serve"]
