/** A spec file of everything that metadata has to say: rpmbuild makes packages of it, source package included. Bytes, as one summary is Latin-1. */
export function everythingSpec(): Buffer {
  const changelog = Array.from({ length: 25 }, (_, index) => `* Mon Jan 01 ${2024 - Math.floor(index / 2)} Ada & Bert <ada@example.test> - ${25 - index}\n- Entry ${25 - index}: a < b && "c" > 'd', é 漢字 🙂\n  second line\n`).join('\n');
  const text = `
%define _invalid_encoding_terminates_build 0
%define _missing_doc_files_terminate_build 0
%define _unpackaged_files_terminate_build 0
%define debug_package %{nil}
%define _binaries_in_noarch_packages_terminate_build 0
Name: everything
Version: 1.0~rc1^git20240101
Release: 2
Epoch: 3
Summary: A <b>sample</b> & "all" of it
License: MIT AND (Apache-2.0 OR 0BSD)
URL: https://example.test/?a=1&b=2
Vendor: Millrace <vendor@example.test>
Packager: Ada Lovelace <ada@example.test>
Group: Development/Tools
BuildArch: noarch
BuildRequires: (make or ninja-build)
Requires: (millrace-a if millrace-b else millrace-c)
Requires: ((millrace-d and millrace-e >= 2:1.0-3) or millrace-f)
Requires: millrace-c >= 2:1.0-1
Requires: millrace-c >= 2:1.0-1
Requires: millrace-c < 4
Requires: /usr/bin/everything-tool
Requires: /usr/share/everything/data
Requires: /bin/sh
Requires: everything-virtual = 3
Requires: libc.so.6()(64bit)
Requires: libc.so.6(GLIBC_2.34)(64bit)
Requires: libc.so.6(GLIBC_2.4)(64bit)
Requires: libc.so.6(GLIBC_2.14)(64bit)
Requires(pre): millrace-pre
Requires(post): millrace-post
Requires(preun): millrace-preun
Requires(postun): millrace-postun
Requires(post): millrace-both
Requires: millrace-both
Recommends: (millrace-g if millrace-h)
Conflicts: (millrace-g unless millrace-h)
Suggests: millrace-i > 1
Supplements: (millrace-j and millrace-k)
Enhances: millrace-l <= 2-1
Provides: everything-virtual = 3
Provides: everything-virtual = 3
Provides: font(:lang=de)
Conflicts: millrace-m < 1:0
Obsoletes: millrace-n <= 0.9~beta
ExclusiveArch: x86_64 noarch
ExcludeArch: s390
%description
  First line, indented: a < b & c > d, "quoted", é ü 漢字 🙂 ]]>

Second paragraph &amp; an entity that is none.
%package more
Summary: Latin-1: caf\u{e0e9}
%description more
Tabs\tand trailing space 
%package empty
Summary: Has no files
%description empty
%install
mkdir -p %{buildroot}/usr/share/everything/many %{buildroot}/usr/bin %{buildroot}/etc/everything "%{buildroot}/usr/share/everything/with space & <angle>"
for i in $(seq 1 300); do echo $i > %{buildroot}/usr/share/everything/many/file-$i; done
touch %{buildroot}/usr/bin/everything-tool %{buildroot}/etc/everything/config %{buildroot}/usr/share/everything/data
touch "%{buildroot}/usr/share/everything/with space & <angle>/größe-漢字"
ln -s data %{buildroot}/usr/share/everything/link
%pre -p <lua>
print("pre")
%post
exit 0
%posttrans
exit 0
%triggerin -- millrace-trigger > 1
exit 0
%filetriggerin -- /usr/lib/everything /usr/share/everything
exit 0
%transfiletriggerin -- /usr/lib
exit 0
%files
%dir /usr/share/everything
/usr/share/everything/many
/usr/share/everything/data
/usr/share/everything/link
"/usr/share/everything/with space & <angle>"
/usr/bin/everything-tool
%config(noreplace) /etc/everything/config
%ghost /var/log/everything.log
%ghost %dir /var/lib/everything
%ghost /etc/everything/ghost
%files more
/usr/share/everything/many/file-1
%files empty
%changelog
${changelog}`;
  // One byte 0xe9, which is no UTF-8.
  const [before, after] = text.split('\u{e0e9}') as [string, string];
  return Buffer.concat([Buffer.from(before), Buffer.from([0xe9]), Buffer.from(after)]);
}
