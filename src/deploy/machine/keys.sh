
# In memory, never on a disk.
keys=/run/skyscan
rm -rf "$keys"
mkdir "$keys"
@SOURCE@
chown -R skyscan: "$keys"
chmod -R go= "$keys"
