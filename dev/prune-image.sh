# This keeps only the socket library's binary of this platform and Node version. It checks that the
# binary is the known one, because the package is a repackaging by others.
set -eu
cd node_modules/uWebSockets.js
name=$(node -p '`uws_${process.platform}_${process.arch}_${process.versions.modules}.node`')
if [ "$name" = uws_linux_x64_115.node ]; then
  echo "f4fa5d7b697529b45ac8aa3d57385d9af51bc1d2b26aa9f5b68ca4361542e665  $name" | sha256sum -c -
fi
find . -maxdepth 1 -name 'uws_*.node' ! -name "$name" -delete
rm -rf docs examples misc mvp src tests scripts
test -e "$name"
