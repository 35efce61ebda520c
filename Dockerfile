# One image serves every service, and the command chooses which:
#   docker run kaha-chat dist/services/store/main.js
# The commands are dist/services/{edge,router,store,profiles,retention,push}/main.js,
#   dist/services/store/migrate-main.js, dist/services/store/keys-main.js,
#   dist/services/store/retention-main.js,
#   dist/services/router/streams-main.js

# An edge needs an open file for each connection (docs/connections.md):
#   docker run --ulimit nofile=20512:20512 kaha-chat dist/services/edge/main.js

# The base image needs glibc and not musl, because the socket library has no other binaries.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY shared ./shared
COPY services ./services
COPY clients ./clients
COPY web ./web
COPY dev/join-packages.mjs ./dev/
RUN npm run build
# The socket library carries a binary for every platform, and one is enough (257 MB → 13 MB).
COPY dev/prune-image.sh ./dev/
RUN npm prune --omit=dev --no-audit --no-fund && sh dev/prune-image.sh

FROM node:20-bookworm-slim
ENV NODE_ENV=production ADMIN_HOST=0.0.0.0 ADMIN_PORT=9464
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER node
EXPOSE 8080 9464
ENTRYPOINT ["node", "--enable-source-maps"]
CMD ["dist/services/edge/main.js"]
