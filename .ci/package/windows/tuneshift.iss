; Inno Setup: iscc /DVersion=0.1.0 .ci\package\windows\tuneshift.iss
; Untried: nobody has built or installed this yet.

#ifndef Version
  #error Say which version it is: /DVersion=0.1.0
#endif

[Setup]
AppId={{6C1B6B0C-6F0B-4B2E-9B3C-6E9C8B5B7A31}
AppName=Tuneshift
AppVersion={#Version}
AppPublisher=The Tuneshift developers
DefaultDirName={autopf}\Tuneshift
DefaultGroupName=Tuneshift
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
LicenseFile=..\..\..\LICENSE
OutputDir=..\..\..\dist
OutputBaseFilename=tuneshift-{#Version}-windows-x86_64
SetupIconFile=..\..\..\build\package\tuneshift.ico
UninstallDisplayIcon={app}\tuneshift.exe
Compression=lzma2/max
SolidCompression=yes
ChangesAssociations=yes
WizardStyle=modern

[Languages]
Name: "en"; MessagesFile: "compiler:Default.isl"
Name: "ko"; MessagesFile: "compiler:Languages\Korean.isl"

[Files]
Source: "..\..\..\dist\tuneshift\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs

[InstallDelete]
; An older version's files would be found before those of this one.
Type: filesandordirs; Name: "{app}\_internal"

[Icons]
Name: "{group}\Tuneshift"; Filename: "{app}\tuneshift.exe"

[Registry]
; Windows goes by the last ending alone, and .toml belongs to others: recipes are offered, not taken.
Root: HKA; Subkey: "Software\Classes\Tuneshift.Recipe"; ValueType: string; ValueData: "Tuneshift recipe"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\Tuneshift.Recipe\shell\open\command"; ValueType: string; ValueData: """{app}\tuneshift.exe"" --recipe ""%1"""
Root: HKA; Subkey: "Software\Classes\.toml\OpenWithProgids"; ValueType: none; ValueName: "Tuneshift.Recipe"; Flags: uninsdeletevalue

[Run]
Filename: "{app}\tuneshift.exe"; Description: "{cm:LaunchProgram,Tuneshift}"; Flags: nowait postinstall skipifsilent
