# syntax=docker/dockerfile:1
# The operator and the API as one bundle on a slim base, as a user without rights. HAProxy is for the driver `process`.

FROM docker.io/library/node:24-bookworm-slim AS build
WORKDIR /reflavor/build
COPY package.json package-lock.json ./
# Not `npm ci`: it refuses a lock file that lacks optional packages of other platforms. Of what is for development, only the bundler, and
# that one folder up: npm leaves it out where it stands in package.json.
RUN npm install --no-save --no-fund --no-audit --omit=dev \
 && npm install --no-save --no-fund --no-audit --prefix /reflavor "esbuild@$(node -p 'require("./package.json").devDependencies.esbuild')"
COPY tsconfig.json ./
COPY tools/bundle.ts tools/
COPY tools/package/client-node.ts tools/package/licenses.ts tools/package/program.ts tools/package/
COPY src src
RUN node tools/bundle.ts

FROM docker.io/library/node:24-bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends haproxy \
 && rm -rf /var/lib/apt/lists/* /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn* \
 && install -d -o 65532 -g 65532 /var/lib/reflavor
COPY --from=build /reflavor/build/dist/reflavor /usr/local/lib/reflavor
COPY LICENSE /usr/local/lib/reflavor/
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Reflavor" \
      org.opencontainers.image.description="A Kubernetes operator that runs load balancers and resizes them live, dropping no request" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production REFLAVOR_STATE_DIR=/var/lib/reflavor
# What is freed goes back to the system, and threads share what is kept (mallopt(3)): a seventh of the memory. HAProxy is started without it.
ENV MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=65536
USER 65532:65532
WORKDIR /var/lib/reflavor
EXPOSE 8080 8081 9876
# What is young is collected in small steps, and what is old before it has doubled: less than half the memory for little more processor time.
ENTRYPOINT ["node", "--max-semi-space-size=2", "--heap-growing-percent=50", "/usr/local/lib/reflavor/reflavor.mjs"]
CMD ["operator"]
