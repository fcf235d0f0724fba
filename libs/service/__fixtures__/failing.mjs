console.error('this program always fails');
process.exit(3);
